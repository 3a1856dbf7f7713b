"""The product and a second calculation, written from docs/promising.md alone, agree on ten thousand worlds."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from random import Random

import pytest

from process_apis.atp.facts import LinePromise, Piece
from tests.unit.process_apis.atp import product, worlds
from tests.unit.process_apis.atp.oracle import Part, Verdict, judge

WORLDS, PARTS = 10_000, 10


def as_verdict(promised: LinePromise) -> Verdict:
    return Verdict(
        promised.status,
        _fraction(promised.confirmed),
        _fraction(promised.on_time),
        tuple(map(_part, promised.schedule)),
        tuple((one.kind, one.plant, tuple(map(_part, one.schedule))) for one in promised.alternatives),
        tuple(one.code for one in promised.factors),
    )


def _fraction(value) -> Fraction | None:
    return None if value is None else Fraction(value)


def _part(piece: Piece) -> Part:
    return Part(
        Fraction(piece.quantity), piece.date, piece.ship, piece.supply, piece.firmness, piece.confidence, piece.plant
    )


@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", range(PARTS))
def test_product_and_oracle_agree(part: int) -> None:
    for seed in range(part, WORLDS, PARTS):
        world = worlds.world(Random(seed))
        assert [as_verdict(one) for one in product.promises(world)] == judge(world), f"world {seed}"


def test_the_worlds_reach_every_status_often() -> None:
    met = Counter(one.status for seed in range(2_000) for one in judge(worlds.world(Random(seed))))
    assert set(met) == {
        "confirmed",
        "confirmedLate",
        "partiallyConfirmed",
        "substituted",
        "backordered",
        "datePending",
        "unavailable",
        "rejected",
        "unknown",
    }
    assert min(met.values()) > 30, met
