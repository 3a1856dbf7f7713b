"""One calendar for all: what is promised, what the order then says, what the CRM is told, and what a change proposes
name the same days of arrival. The plan alone knows the days before them, on which it finishes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from process_apis.atp.inquiries import Inquiries
from process_apis.calendars import PlantCalendar
from process_apis.landscape import Landscape
from process_apis.orders.models import ItemView
from tests.integration.atp.counter import check, line, request
from tests.integration.landscape import CRM
from tests.integration.order_change.counter import Counter, open_counter
from tests.integration.quote_to_order import witness
from tests.sandbox import RunningSandbox

PICK_PACK, TRANSIT = 1, 2


@pytest.fixture
async def far(tmp_path: Path, fresh_sandbox: RunningSandbox) -> AsyncIterator[Counter]:
    """A plant that packs for a day, is two days away, and is closed on two days that lie in the way."""

    def away(landscape: Landscape) -> Landscape:
        holidays = frozenset(landscape.today + timedelta(days=n) for n in (5, 8))
        calendar = PlantCalendar(frozenset(range(6)), holidays, PICK_PACK, TRANSIT)
        plants = {name: replace(plant, calendar=calendar) for name, plant in landscape.plants.items()}
        return replace(landscape, plants=plants)

    async with open_counter(tmp_path / "far.db", fresh_sandbox, away) as opened:
        yield opened


def days(schedule: Iterable[Any]) -> list[tuple[str, Decimal]]:
    """So much arrives by day, whoever has it."""
    by_day: dict[date, Decimal] = {}
    for piece in schedule:
        by_day[piece.delivery_date] = by_day.get(piece.delivery_date, Decimal(0)) + piece.quantity.value
    return sorted((str(day), quantity) for day, quantity in by_day.items())


def made_item(items: Iterable[ItemView]) -> ItemView:
    return next(item for item in items if item.product == "FG126")


async def test_promise_order_and_crm_name_the_same_days(far: Counter, fresh_sandbox: RunningSandbox) -> None:
    answer = await check(far.landscape, request(line("made", "FG126", "50")), CRM, inquiries=Inquiries())
    promised = days(answer.lines[0].schedule)
    order_id = await far.convert("Q-1001")
    item = made_item((await far.order(order_id)).items)
    assert days(item.schedule) == promised
    told = witness.quote_line(fresh_sandbox, str(item.line_id))
    assert told["Confirmed_Date__c"] == promised[-1][0]


async def test_the_plan_finishes_in_time_to_be_packed_and_driven(far: Counter, fresh_sandbox: RunningSandbox) -> None:
    order_id = await far.convert("Q-1001")
    item = made_item((await far.order(order_id)).items)
    held = witness.commitments(fresh_sandbox, order_id.partition(".")[2])
    finished = max(date.fromisoformat(one["date"]) for one in held)
    calendar = far.landscape.plants["1710"].calendar
    assert calendar is not None
    assert item.schedule[-1].delivery_date == calendar.from_material(finished, "17100001").delivery
    assert item.schedule[-1].delivery_date >= finished + timedelta(days=PICK_PACK + TRANSIT)


async def test_a_change_proposes_days_of_arrival_and_keeps_to_them(far: Counter, fresh_sandbox: RunningSandbox) -> None:
    order_id = await far.convert("Q-1001")
    before = made_item((await far.order(order_id)).items)
    more = {"type": "increaseQuantity", "lineId": before.line_id, "newQuantity": {"value": "60", "unit": "C62"}}
    change = await far.ask(order_id, more)
    (proposed,) = change.proposal.lines
    assert (proposed.lost, days(proposed.current.schedule)) == ((), days(before.schedule))
    done = await far.decide(change)
    assert done.state == "committed"
    after = made_item((await far.order(order_id)).items)
    assert days(after.schedule) == days(proposed.proposed.schedule)
    told = witness.quote_line(fresh_sandbox, str(before.line_id))
    assert told["Confirmed_Date__c"] == days(after.schedule)[-1][0]
