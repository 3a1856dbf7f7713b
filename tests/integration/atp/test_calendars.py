"""Days of leaving and arriving, by the plant's calendar, against neighbours that really answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from process_apis.calendars import Lane, PlantCalendar
from process_apis.errors import RequestFaulty
from process_apis.landscape import Landscape
from tests.integration.atp.counter import check, line, request

EVERY_DAY = frozenset(range(7))


def with_calendar(landscape: Landscape, calendar: PlantCalendar) -> Landscape:
    return replace(
        landscape, plants={name: replace(plant, calendar=calendar) for name, plant in landscape.plants.items()}
    )


async def test_a_day_of_leaving_comes_with_the_day_of_arrival(landscape: Landscape) -> None:
    landscape = with_calendar(landscape, PlantCalendar(EVERY_DAY, transit_days=3))
    (one,) = (await check(landscape, request(line("1", "TG11", "40")))).lines
    (piece,) = one.schedule
    assert (piece.delivery_date - piece.ship_date).days == 3
    assert one.requested.date_basis == "delivery"


async def test_without_a_calendar_nobody_knows_when_goods_leave(landscape: Landscape) -> None:
    (one,) = (await check(landscape, request(line("1", "TG11", "40")))).lines
    assert one.schedule[0].ship_date is None
    with pytest.raises(RequestFaulty) as refused:
        await check(landscape, request(line("1", "TG11", "40"), dateBasis="ship"))
    assert [fault.code for fault in refused.value.faults] == ["calendar-missing"]


async def test_asked_by_the_day_of_leaving_the_way_comes_on_top(landscape: Landscape) -> None:
    landscape = with_calendar(landscape, PlantCalendar(EVERY_DAY, transit_days=4))
    asked = line("1", "TG11", "40")
    (one,) = (await check(landscape, request(asked, dateBasis="ship"))).lines
    (piece,) = one.schedule
    assert one.status == "confirmed"
    assert piece.ship_date.isoformat() == asked["requestedDate"]
    assert piece.delivery_date == piece.ship_date + timedelta(days=4)


async def test_the_way_to_a_region_is_its_own(landscape: Landscape) -> None:
    lane = Lane("mountains", 6, frozenset({"17100001"}))
    landscape = with_calendar(landscape, PlantCalendar(EVERY_DAY, transit_days=1, lanes=(lane,)))
    near = (await check(landscape, request(line("1", "TG11", "4", days=8), sold_to="17100002"))).lines[0].schedule[0]
    far = (await check(landscape, request(line("1", "TG11", "4", days=8)))).lines[0].schedule[0]
    assert ((near.delivery_date - near.ship_date).days, (far.delivery_date - far.ship_date).days) == (1, 6)


async def test_production_is_asked_for_in_time_to_be_packed_and_driven(landscape: Landscape) -> None:
    """What is finished on its day still has to be picked and driven: it arrives later by just that."""
    (before,) = (await check(landscape, request(line("1", "FG126", "50")))).lines
    slow = with_calendar(landscape, PlantCalendar(EVERY_DAY, pick_pack_days=2, transit_days=3))
    (after,) = (await check(slow, request(line("1", "FG126", "50")))).lines
    made = [piece for piece in before.schedule if piece.supply == "production"]
    moved = [piece for piece in after.schedule if piece.supply == "production"]
    assert [piece.delivery_date + timedelta(days=5) for piece in made] == [piece.delivery_date for piece in moved]


async def test_a_holiday_delays_what_is_taken_from_the_shelf(landscape: Landscape) -> None:
    today = landscape.today
    closed = frozenset(today + timedelta(days=n) for n in range(4))
    landscape = with_calendar(landscape, PlantCalendar(EVERY_DAY, closed))
    asked = request(line("1", "TG11", "40", days=1), purpose="browse", mode="atp")
    (one,) = (await check(landscape, asked)).lines
    assert (one.status, one.schedule[0].ship_date) == ("confirmedLate", today + timedelta(days=4))
