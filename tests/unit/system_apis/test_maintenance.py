"""Maintenance windows: once or weekly, by the clocks of their zone, and as one where they touch."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from system_apis.maintenance import WEEKDAYS, Once, Weekly, open_until, rests

BERLIN = ZoneInfo("Europe/Berlin")
SUNDAY = Weekly(WEEKDAYS.index("sunday"), time(2), time(5, 30), BERLIN)
NIGHT = Weekly(WEEKDAYS.index("saturday"), time(23), time(1), BERLIN)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2027-01-03T01:59:59+01:00", None),
        ("2027-01-03T02:00:00+01:00", "2027-01-03T05:30:00+01:00"),
        ("2027-01-03T05:29:59+01:00", "2027-01-03T05:30:00+01:00"),
        ("2027-01-03T05:30:00+01:00", None),
        ("2027-01-04T03:00:00+01:00", None),  # a Monday
    ],
)
def test_a_weekly_window_is_open_on_its_day_between_its_times(now: str, until: str | None) -> None:
    assert open_until([SUNDAY], at(now)) == (at(until) if until else None)


def test_a_window_may_last_past_midnight() -> None:
    assert open_until([NIGHT], at("2027-01-02T23:30:00+01:00")) == at("2027-01-03T01:00:00+01:00")
    assert open_until([NIGHT], at("2027-01-03T00:30:00+01:00")) == at("2027-01-03T01:00:00+01:00")
    assert open_until([NIGHT], at("2027-01-03T23:30:00+01:00")) is None


@pytest.mark.parametrize(("day", "offset"), [("2027-03-28", "+02:00"), ("2027-10-31", "+01:00")])
def test_a_window_ends_by_the_clock_on_the_wall_also_where_the_clock_is_put_on_or_back(day: str, offset: str) -> None:
    assert open_until([SUNDAY], at(f"{day}T04:00:00{offset}")) == at(f"{day}T05:30:00{offset}")


def test_windows_that_touch_or_overlap_are_one() -> None:
    start = at("2027-01-03T04:00:00+01:00")
    touching = Once(at("2027-01-03T05:30:00+01:00"), at("2027-01-03T07:00:00+01:00"))
    overlapping = Once(at("2027-01-03T06:00:00+01:00"), at("2027-01-03T08:00:00+01:00"))
    assert open_until([touching, SUNDAY, overlapping], start) == overlapping.end
    assert open_until([SUNDAY, overlapping], start) == at("2027-01-03T05:30:00+01:00"), "there is half an hour between"


@given(st.datetimes(datetime(2027, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_whoever_waits_until_the_end_may_go(now: datetime) -> None:
    until = open_until([SUNDAY, NIGHT], now)
    assert until is None or (until > now and open_until([SUNDAY, NIGHT], until) is None)


def test_what_is_left_is_told_in_seconds_and_none_outside() -> None:
    window = Once(at("2027-01-03T00:00:00Z"), at("2027-01-03T01:00:00Z"))
    assert rests([window], lambda: window.start)() == timedelta(hours=1).total_seconds()
    assert rests([window], lambda: window.end)() is None


@pytest.mark.parametrize(
    ("window", "now", "until"),
    [
        # put on: there is no 02:30 on that day, and whoever works for an hour does so behind the gap
        ((time(2), time(3)), "2027-03-28T03:30:00+02:00", "2027-03-28T04:00:00+02:00"),
        ((time(2, 30), time(2, 45)), "2027-03-28T03:30:00+02:00", "2027-03-28T03:45:00+02:00"),
        ((time(1), time(2, 30)), "2027-03-28T01:30:00+01:00", "2027-03-28T03:30:00+02:00"),
        ((time(2), time(3)), "2027-03-28T01:59:00+01:00", None),
        # put back: the clock shows 02:15 twice, and nobody knows which one is meant
        ((time(1), time(2, 30)), "2027-10-31T02:45:00+02:00", "2027-10-31T02:30:00+01:00"),
        ((time(2, 10), time(2, 20)), "2027-10-31T02:15:00+01:00", "2027-10-31T02:20:00+01:00"),
    ],
)
def test_a_window_at_the_hour_at_which_clocks_change_is_kept(
    window: tuple[time, time], now: str, until: str | None
) -> None:
    night = Weekly(WEEKDAYS.index("sunday"), *window, BERLIN)
    assert open_until([night], at(now)) == (at(until) if until else None)
