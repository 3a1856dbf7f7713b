"""Maintenance windows: times at which an instance is not to be called, agreed beforehand with those who run it.

Nothing is started inside a window. What is under way when it begins is left to end. Pure: the clock comes from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = timedelta(days=1)
_MOST_IN_A_ROW = 64


class Once(Struct, frozen=True):
    """From `start` until before `end`."""

    start: datetime
    end: datetime


class Weekly(Struct, frozen=True):
    """Each week from `begins` on `weekday` (0 is Monday) until before `ends`, by the clocks of `zone`.

    `ends` at or before `begins` is on the next day. A window lasts less than a day.
    """

    weekday: int
    begins: time
    ends: time
    zone: ZoneInfo


Window = Once | Weekly
Rests = Callable[[], float | None]
"""In how many seconds the window ends that is open now; None while calls may go."""


def open_until(windows: Iterable[Window], at: datetime) -> datetime | None:
    """When calls may go again; None if they may go at `at`. Windows that touch or overlap count as one."""
    listed = tuple(windows)
    until = None
    for _ in range(_MOST_IN_A_ROW):
        ends = [end for window in listed for start, end in _around(window, until or at) if start <= (until or at) < end]
        if not ends:
            return until
        until = max(ends)
    return until


def rests(windows: Sequence[Window], now: Callable[[], datetime]) -> Rests:
    """What an instance with these windows says when it is about to be called."""

    def left_s() -> float | None:
        at = now()
        until = open_until(windows, at)
        return None if until is None else (until - at).total_seconds()

    return left_s


def _around(window: Window, at: datetime) -> Iterable[tuple[datetime, datetime]]:
    """The times of a window, as instants, that may hold `at`."""
    if isinstance(window, Once):
        yield window.start, window.end
        return
    today = at.astimezone(window.zone).date()
    for day in (today, today - _DAY):
        if day.weekday() == window.weekday:
            last = day if window.ends > window.begins else day + _DAY
            yield _span(datetime.combine(day, window.begins), datetime.combine(last, window.ends), window.zone)


def _span(begins: datetime, ends: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Instants of two readings of a clock. Where the clock is put back and shows a reading twice, from the first one
    until the second one; a window in the hour that is left out lasts as long as ever, and comes right behind."""
    start = begins.replace(tzinfo=zone).astimezone(UTC)
    end = max(ends.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return start, end if end > start else start + (ends - begins)
