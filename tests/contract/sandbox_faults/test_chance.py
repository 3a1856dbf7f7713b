"""Faults that strike by chance: the same seed and the same requests fare the same, and the odds are what was asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

import httpx
import pytest

from system_apis.sandbox.faults import Faults, FaultWanted
from system_apis.sandbox.faults.wanted import Fixed, Lognormal, Uniform
from system_apis.sandbox.journal import Entry
from tests.sandbox import RunningSandbox, start_sandbox, stop_sandbox

CALLS = 60


def statuses(sandbox: RunningSandbox) -> list[int]:
    with httpx.Client(base_url=sandbox.urls["issuer"]) as client:
        return [client.get("/jwks").status_code for _ in range(CALLS)]


def struck(sandbox: RunningSandbox, **more: Any) -> list[int]:
    """Two faults side by side on the same calls, in a new world."""
    sandbox.reset()
    sandbox.fault("issuer", "unavailable", probability=0.3, **more)
    sandbox.fault("issuer", "serverError", probability=0.3)
    return statuses(sandbox)


@pytest.fixture
def another(tmp_path: Path) -> Iterator[RunningSandbox]:
    running = start_sandbox(tmp_path, "--seed", "2")
    yield running
    stop_sandbox(running)


def test_the_same_seed_and_order_of_requests_have_the_same_outcome(
    fresh_sandbox: RunningSandbox, another: RunningSandbox
) -> None:
    first = struck(fresh_sandbox)
    assert {200, 500, 503} == set(first)
    assert struck(fresh_sandbox) == first, "a reset begins chance anew"
    assert struck(another) != first, "another seed, another outcome"


def test_a_faults_own_seed_counts_whatever_the_sandboxs(fresh_sandbox: RunningSandbox, another: RunningSandbox) -> None:
    def alone(sandbox: RunningSandbox) -> list[int]:
        sandbox.reset()
        sandbox.fault("issuer", "unavailable", probability=0.5, seed=7)
        return statuses(sandbox)

    assert alone(fresh_sandbox) == alone(another)


def test_a_fault_draws_alone_so_that_another_one_does_not_change_its_luck(fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("issuer", "unavailable", probability=0.3)
    alone = [status == 503 for status in statuses(fresh_sandbox)]
    assert [status == 503 for status in struck(fresh_sandbox)] == alone


async def test_the_odds_are_what_was_asked_for() -> None:
    faults = Faults({}, {}, seed=1)
    armed = await faults.arm(FaultWanted(system="sap", kind="unavailable", probability=0.1, count=500))
    entry = Entry(1, None, "sap", "GET", "/x", "", None, None)  # type: ignore[arg-type]
    for _ in range(4_000):
        faults.take(entry, b"")
    assert 340 < armed.fired < 460
    assert armed.met == 4_000
    for _ in range(4_000):
        faults.take(entry, b"")
    assert armed.fired == 500, "the count ends it"


def test_latencies_have_the_shape_they_name() -> None:
    chance = Random(5)
    assert {Fixed(0.2).draw(chance) for _ in range(3)} == {0.2}
    spread = [Uniform(0.1, 0.5).draw(chance) for _ in range(2_000)]
    assert (0.1 <= min(spread) < 0.11, 0.49 < max(spread) <= 0.5) == (True, True)
    waits = quantiles([Lognormal(0.05, 1.0).draw(chance) for _ in range(20_000)], n=100)
    assert waits[49] == pytest.approx(0.05, rel=0.1)
    assert waits[98] == pytest.approx(1.0, rel=0.25)


async def test_equal_seeds_give_equal_latencies() -> None:
    async def waits() -> list[float]:
        faults = Faults({}, {}, seed=3)
        await faults.arm(FaultWanted(system="sap", kind="delay", latency=Lognormal(0.05, 1.0)))
        entry = Entry(1, None, "sap", "GET", "/x", "", None, None)  # type: ignore[arg-type]
        return [faults.take(entry, b"")[1] for _ in range(20)]

    first = await waits()
    assert (await waits(), len(set(first))) == (first, 20)
