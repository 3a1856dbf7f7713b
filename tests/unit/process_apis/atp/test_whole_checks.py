"""Whole checks of random worlds, second looks included: what one line is promised is promised to no other."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.clients import Client
from process_apis.atp.inquiries import Inquiries
from process_apis.atp.models import AtpCheckRequest
from process_apis.atp.process import check_availability
from process_apis.caller import Caller
from process_apis.errors import NoSourceAnswered
from process_apis.seals import Seals
from system_apis.deadline import Deadline
from system_apis.sap.goods import Place
from tests.unit.process_apis.atp.town import Town, a_request, per_unit, town

US = Client("crm", "Salesforce", "crm", frozenset(), ("*",), ("*",), "internal")
SEALS = Seals(["a-key-of-the-house-for-the-tests-1"])
STOCKED = ("onHand", "inbound")


@st.composite
def checks(draw: Any) -> tuple[Town, dict[str, Any], Any]:
    """A world, a question, and its answer (None: nobody said anything)."""
    chance = Random(draw(st.integers(0, 2**32)))
    world, wish = town(chance), a_request(chance)
    return world, wish, asyncio.run(_answer(world, wish))


async def _answer(world: Town, wish: dict[str, Any]) -> Any:
    request = msgspec.convert(wish, AtpCheckRequest)
    inquiries = Inquiries()
    try:
        return await check_availability(
            Caller(US, "corr", Deadline.after(60)),
            request,
            landscape=world.landscape(),
            seals=SEALS,
            inquiries=inquiries,
        )
    except NoSourceAnswered:
        return None
    finally:
        await inquiries.settle()


def promised(wish: dict[str, Any], answer: Any) -> list[tuple[Place, str, Decimal]]:
    """What the lines are told, and for each line its best way from every other plant, in base units: by material and
    plant, with the supply it comes from."""
    found = []
    for asked, line in zip(wish["lines"], answer.lines, strict=True):
        material = line.substitute or asked["product"]["id"]
        found += [_piece(material, piece) for piece in line.schedule if line.status != "unknown"]
    return found


def _piece(material: str, piece: Any) -> tuple[Place, str, Decimal]:
    per = per_unit(material, piece.quantity.unit)
    assert per is not None, f"{material} is promised in {piece.quantity.unit}"
    return Place(material, piece.plant), piece.supply, Decimal(piece.quantity.value) * per


def elsewhere(wish: dict[str, Any], answer: Any, plant: str) -> list[tuple[Place, str, Decimal]]:
    """What lines are offered from a plant that is not theirs."""
    return [
        _piece(asked["product"]["id"], piece)
        for asked, line in zip(wish["lines"], answer.lines, strict=True)
        for other in line.alternatives
        if other.kind == "alternativePlant"
        for piece in other.schedule
        if piece.plant == plant
    ]


@settings(max_examples=600, deadline=None)
@given(checks())
def test_nothing_is_promised_twice(check: tuple[Town, dict[str, Any], Any]) -> None:
    """Of a plant's goods and of its work centres: by its own lines, substitutes, and what others are offered there."""
    world, wish, answer = check
    if answer is None:
        return
    told = promised(wish, answer)
    for plant in {place.plant for place in world.made} | {place.plant for place in world.stock}:
        here = [one for one in (*told, *elsewhere(wish, answer, plant)) if one[0].plant == plant]
        goods: dict[Place, Decimal] = defaultdict(Decimal)
        work: dict[str, Decimal] = defaultdict(Decimal)
        for place, supply, much in here:
            if supply in STOCKED:
                goods[place] += much
            elif supply == "production":
                work[world.made[place]] += much
        assert all(much <= world.supply(place) for place, much in goods.items()), goods
        assert all(much <= world.centres[one] * len(world.days) for one, much in work.items()), work


@settings(max_examples=300, deadline=None)
@given(checks())
def test_lines_add_up_and_what_is_unknown_is_no_number(check: tuple[Town, dict[str, Any], Any]) -> None:
    _, wish, answer = check
    if answer is None:
        return
    assert [one.line_id for one in answer.lines] == [one["lineId"] for one in wish["lines"]]
    for asked, line in zip(wish["lines"], answer.lines, strict=True):
        assert (line.status == "unknown") == (line.confirmed_quantity is None)
        if line.confirmed_quantity is None:
            continue
        wanted = Decimal(asked["quantity"]["value"])
        firm = sum(piece.quantity.value for piece in line.schedule if piece.supply != "leadTime")
        assert line.confirmed_quantity.value + line.unconfirmed_quantity.value == wanted
        assert firm == line.confirmed_quantity.value


@settings(max_examples=300, deadline=None)
@given(checks())
def test_what_the_erp_may_not_tell_us_of_is_unknown_and_said_to_be(check: tuple[Town, dict[str, Any], Any]) -> None:
    world, wish, answer = check
    if answer is None or world.rung != "availability":
        return
    for asked, line in zip(wish["lines"], answer.lines, strict=True):
        if Place(asked["product"]["id"], asked["plant"]) in world.closed:
            assert line.status == "unknown"
            assert "source-unavailable" in [one.code for one in line.exceptions]
            assert answer.status == "degraded"
            assert answer.warnings
