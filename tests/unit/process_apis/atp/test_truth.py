"""What holds in every world: nothing is invented, nothing is lost, nothing unknown is zero, no unit is mixed."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from process_apis.atp.facts import LinePromise
from tests.unit.process_apis.atp import product, worlds
from tests.unit.process_apis.atp.worlds import BASES, RATIOS, Line, World

some_worlds = st.randoms(use_true_random=False).map(worlds.world)
MANY = settings(max_examples=400, deadline=None)


def per(line: Line) -> Fraction:
    """Base units in one of the line's."""
    if line.unit == BASES[line.material]:
        return Fraction(1)
    return Fraction(*RATIOS[line.material][line.unit])


def convertible(line: Line) -> bool:
    return line.unit == BASES[line.material] or line.unit in RATIOS[line.material]


def in_base(world: World, promised: Iterable[LinePromise], material: str, *supplies: str) -> Fraction:
    """What lines of a material are told of some supplies, in base units."""
    return sum(
        (
            Fraction(piece.quantity) * per(line)
            for line, one in zip(world.lines, promised, strict=True)
            if line.material == material and convertible(line)
            for piece in one.schedule
            if piece.supply in supplies
        ),
        Fraction(0),
    )


@MANY
@given(some_worlds)
def test_no_line_is_lost_and_its_parts_add_up(world: World) -> None:
    promised = product.promises(world)
    assert [one.asked.line_id for one in promised] == [str(place) for place in range(len(world.lines))]
    for line, one in zip(world.lines, promised, strict=True):
        if one.confirmed is None:
            continue
        assert one.unconfirmed is not None and one.on_time is not None
        assert one.confirmed + one.unconfirmed == line.quantity
        assert sum(piece.quantity for piece in one.schedule if piece.supply != "leadTime") == one.confirmed
        assert sum(piece.quantity for piece in one.schedule) <= line.quantity
        assert 0 <= one.on_time <= one.confirmed
        assert all(piece.quantity > 0 for piece in one.schedule)


@MANY
@given(some_worlds)
def test_all_lines_together_are_never_told_more_than_there_is(world: World) -> None:
    promised = product.promises(world)
    for material in BASES:
        if world.rung != "simulation" and material in world.plant.levels:
            there = max(free for _, free in world.plant.levels[material])
            assert in_base(world, promised, material, "onHand", "inbound") <= Fraction(there)
    for centre, days in world.capacity.items():
        made = sum(in_base(world, promised, one, "production") for one, at in world.made_at.items() if at == centre)
        assert made <= Fraction(sum((quantity for _, quantity in days), Decimal(0)))


@MANY
@given(some_worlds)
def test_what_is_unknown_is_never_zero(world: World) -> None:
    for one in product.promises(world):
        nothing = (one.confirmed, one.on_time, one.unconfirmed, one.fill_rate)
        assert (one.status == "unknown") == (nothing == (None,) * 4)
        assert one.status == "unknown" or None not in nothing


@MANY
@given(some_worlds)
def test_what_an_order_withholds_from_its_own_line_never_makes_a_promise_smaller(world: World) -> None:
    """All on time, or unknown: what was not given back could still have been more."""
    world.rung, world.held = "availability", set(BASES)
    for line, one in zip(world.lines, product.promises(world), strict=True):
        assert one.on_time in (None, line.quantity) or one.status == "rejected"


@MANY
@given(some_worlds)
def test_a_silent_erp_makes_every_line_unknown(world: World) -> None:
    world.silent = True
    assert {one.status for one in product.promises(world)} == {"unknown"}


@MANY
@given(some_worlds)
def test_nothing_is_added_up_in_a_unit_without_a_fraction(world: World) -> None:
    for line, one in zip(world.lines, product.promises(world), strict=True):
        known = line.unit == BASES[line.material] or (line.material in world.masters and convertible(line))
        if world.rung != "simulation" and not known:
            assert one.status in ("unknown", "rejected")
            assert not one.confirmed
        if not known:
            assert all(piece.supply != "production" for piece in one.schedule)


@MANY
@given(some_worlds, st.integers(min_value=1, max_value=50))
def test_more_stock_never_confirms_less(world: World, more: int) -> None:
    world.rung, world.rule, world.scheduler = "availability", "proposal", "none"
    world.instead, world.credit_blocked = {}, False
    richer = copy.deepcopy(world)
    for name, levels in richer.plant.levels.items():
        richer.plant.levels[name] = [(day, free + more) for day, free in levels]
    for before, after in zip(product.promises(world), product.promises(richer), strict=True):
        assert before.confirmed is None or after.confirmed >= before.confirmed


@MANY
@given(some_worlds)
def test_nothing_arrives_before_it_is_due_nor_leaves_on_a_day_off(world: World) -> None:
    for line, one in zip(world.lines, product.promises(world), strict=True):
        calendar = world.plant.calendar
        for piece in one.schedule:
            assert piece.date >= line.due or world.rung == "simulation"
            if piece.ship is not None and calendar is not None:
                assert piece.ship.weekday() in calendar.weekdays
                assert piece.ship not in calendar.holidays
                assert (piece.date - piece.ship).days >= calendar.transit


@MANY
@given(some_worlds)
def test_alternatives_never_promise_more_than_was_asked(world: World) -> None:
    for line, one in zip(world.lines, product.promises(world), strict=True):
        for other in one.alternatives:
            assert 0 < sum(piece.quantity for piece in other.schedule) <= line.quantity


def test_the_worlds_are_not_all_alike() -> None:
    statuses = {one.status for seed in range(300) for one in product.promises(worlds.world(Random(seed)))}
    assert len(statuses) == 9
