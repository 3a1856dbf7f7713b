"""A plant's days: holidays, weekends, the way to a region, and a change of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from process_apis.calendars import LONGEST_REST, Lane, PlantCalendar, day_at, longest_rest, weekdays_of

WEEK = weekdays_of(["mon", "tue", "wed", "thu", "fri"])
CHRISTMAS = date(2030, 12, 25)  # a Wednesday
PLANT = PlantCalendar(WEEK, frozenset({CHRISTMAS}), 1, 2, (Lane("mountains", 4, frozenset({"17100001"})),))

calendars = st.builds(
    PlantCalendar,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.frozensets(st.dates(date(2030, 1, 1), date(2030, 3, 1)), max_size=8),
    st.integers(0, 4),
    st.integers(0, 6),
)
days = st.dates(date(2030, 1, 1), date(2030, 2, 15))


def test_goods_that_are_there_before_christmas_leave_after_it() -> None:
    leaving = PLANT.from_material(date(2030, 12, 24), "17100002")
    assert (leaving.ship, leaving.delivery) == (date(2030, 12, 26), date(2030, 12, 28))


def test_goods_that_come_on_a_saturday_are_picked_on_monday() -> None:
    assert PLANT.from_material(date(2030, 12, 7), "17100002").ship == date(2030, 12, 10)


def test_a_region_has_a_way_of_its_own() -> None:
    assert (PLANT.transit("17100001"), PLANT.transit("17100002")) == (4, 2)


def test_goods_have_to_be_there_a_working_day_and_the_way_before() -> None:
    assert PLANT.material_for(date(2030, 12, 28), "17100002") == date(2030, 12, 24)


@given(calendars, days)
def test_the_last_day_in_time_is_in_time_and_the_next_one_is_not(calendar: PlantCalendar, due: date) -> None:
    last = calendar.material_for(due, "x")
    assert calendar.from_material(last, "x").delivery <= due
    assert all(calendar.from_material(date.fromordinal(last.toordinal() + n), "x").delivery > due for n in range(1, 10))


@given(calendars, days)
def test_goods_leave_on_working_days_only(calendar: PlantCalendar, there: date) -> None:
    assert calendar.works(calendar.from_material(there, "x").ship)
    assert calendar.works(calendar.ship_for(there, "x"))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2030, 3, 10, 7, 59, tzinfo=UTC), date(2030, 3, 9)),
        (datetime(2030, 3, 10, 8, tzinfo=UTC), date(2030, 3, 10)),  # midnight, still winter time
        (datetime(2030, 3, 11, 7, tzinfo=UTC), date(2030, 3, 11)),  # midnight, an hour sooner: the clocks have changed
        (datetime(2030, 11, 3, 7, tzinfo=UTC), date(2030, 11, 3)),
        (datetime(2030, 11, 4, 7, 59, tzinfo=UTC), date(2030, 11, 3)),
    ],
)
def test_a_change_of_the_clocks_moves_no_day(moment: datetime, day: date) -> None:
    assert day_at(moment, ZoneInfo("America/Los_Angeles")) == day


def test_a_calendar_without_a_working_day_is_noticed() -> None:
    with pytest.raises(ValueError, match="without a working day"):
        PlantCalendar(frozenset()).from_material(CHRISTMAS, "x")


def test_a_calendar_may_rest_for_a_year_at_most() -> None:
    every_day, new_year = frozenset(range(7)), date(2030, 1, 1)
    year_off = [new_year + timedelta(days=n) for n in range(366)]
    assert longest_rest(every_day, year_off) == 366
    assert PlantCalendar(every_day, frozenset(year_off)).after(new_year, 0) == date(2031, 1, 2)
    assert longest_rest(every_day, [*year_off, date(2031, 1, 2)]) > LONGEST_REST
    assert longest_rest(frozenset(range(5)), []) == 0
