"""What one line of a check gets, no other line of it is offered: not as a substitute, not from another plant."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from process_apis.landscape import Landscape
from process_apis.reference_maps import ReferenceMaps, Substitute
from tests.integration.atp.counter import check, line, request

INSTEAD = ReferenceMaps.of(substitutes=[Substitute("TG20", "TG12")])
WAYS_TO_ASK = pytest.mark.parametrize("purpose", ["quote", "browse"])


def by_line(answer: Any) -> dict[str, Any]:
    return {one.line_id: one for one in answer.lines}


def due(asked: dict[str, Any]) -> date:
    """What is made before the day is promised for the day: then several days' work stand on it."""
    return date.fromisoformat(asked["requestedDate"])


@WAYS_TO_ASK
async def test_a_substitute_gets_what_the_lines_that_ask_for_it_leave(landscape: Landscape, purpose: str) -> None:
    """Sixty lie there, and all who come later wait for the receipt."""
    landscape = replace(landscape, references=INSTEAD)
    wish = (line("a", "TG20", "40"), line("b", "TG12", "50"))
    more = {"mode": "atp", "purpose": purpose, "allow": {"substitutes": True}}
    found = by_line(await check(landscape, request(*wish, **more)))
    assert sum(one.on_time_quantity.value for one in found.values()) <= 60
    assert found["b"].on_time_quantity.value == 50


@WAYS_TO_ASK
async def test_another_plant_offers_what_it_has_not_given_to_another_line(landscape: Landscape, purpose: str) -> None:
    alone = request(line("a", "FG226", "8"), mode="atp", purpose=purpose, allow={"alternativePlants": True})
    (other,) = by_line(await check(landscape, alone))["a"].alternatives
    there = sum(piece.quantity.value for piece in other.schedule)
    assert there == 8, "Denver has that much for a line that asks alone"
    both = request(
        line("a", "FG226", "8"),
        line("b", "FG226", "8", plant="1720"),
        mode="atp",
        purpose=purpose,
        allow={"alternativePlants": True},
    )
    found = by_line(await check(landscape, both))
    assert found["b"].status == "confirmed"
    assert [one.kind for one in found["a"].alternatives] == [], "it has no second eight"


@pytest.mark.parametrize("mode", ["ctp", "atpThenCtp"])
async def test_another_plant_offers_no_capacity_that_it_has_given_to_another_line(
    landscape: Landscape, mode: str
) -> None:
    """One work centre in Denver makes both gearboxes, fifteen of them on a working day."""
    rich = {"mode": mode, "allow": {"alternativePlants": True}}
    short = line("a", "FG226", "60", days=3)
    other = line("b", "FG228", "60", days=3, plant="1720")
    alone = by_line(await check(landscape, request(short, **rich)))["a"]
    both = by_line(await check(landscape, request(short, other, **rich)))
    offered = [piece for one in both["a"].alternatives if one.kind == "alternativePlant" for piece in one.schedule]
    days: Counter[date] = Counter()
    for piece in (*offered, *both["b"].schedule):
        if piece.supply == "production":
            days[piece.delivery_date] += int(piece.quantity.value)
    assert "alternativePlant" in [one.kind for one in alone.alternatives]
    assert days, "the plan was asked"
    assert all(made <= 15 for day, made in days.items() if day > due(short)), days


@pytest.mark.parametrize("mode", ["ctp", "atpThenCtp"])
async def test_a_substitute_is_made_with_the_capacity_that_other_lines_leave(landscape: Landscape, mode: str) -> None:
    landscape = replace(landscape, references=ReferenceMaps.of(substitutes=[Substitute("TG20", "FG128")]))
    wish = (line("a", "TG20", "400", days=3), line("b", "FG126", "100", days=3))
    found = by_line(await check(landscape, request(*wish, mode=mode, allow={"substitutes": True})))
    assert found["a"].status == "substituted"
    days: Counter[date] = Counter()
    for one in found.values():
        for piece in one.schedule:
            if piece.supply == "production":
                days[piece.delivery_date] += int(piece.quantity.value)
    assert {one for one in found if any(p.supply == "production" for p in found[one].schedule)} == {"a", "b"}
    assert all(made <= 20 for day, made in days.items() if day > due(wish[0])), days


async def test_what_a_substitute_takes_no_other_line_is_offered_from_its_plant(landscape: Landscape) -> None:
    """Sixty of TG12 lie in Palo Alto. The substitute takes fifty, so Denver's line is offered ten of them at most."""
    landscape = replace(landscape, references=INSTEAD)
    wish = (line("a", "TG20", "50"), line("b", "TG12", "5000", plant="1720"))
    more = {"mode": "atp", "allow": {"substitutes": True, "alternativePlants": True}}
    found = by_line(await check(landscape, request(*wish, **more)))
    assert found["a"].on_time_quantity.value == 50
    offered = [piece for one in found["b"].alternatives if one.kind == "alternativePlant" for piece in one.schedule]
    soon = [piece.quantity.value for piece in offered if piece.supply == "onHand"]
    assert sum(soon) <= 10
