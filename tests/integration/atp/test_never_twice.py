"""What one line of a check gets, no other line of it is offered: not as a substitute, not from another plant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from process_apis.landscape import Landscape
from process_apis.reference_maps import ReferenceMaps, Substitute
from tests.integration.atp.counter import check, line, request

INSTEAD = ReferenceMaps.of(substitutes=[Substitute("TG20", "TG12")])
WAYS_TO_ASK = pytest.mark.parametrize("purpose", ["quote", "browse"])


def by_line(answer: Any) -> dict[str, Any]:
    return {one.line_id: one for one in answer.lines}


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
