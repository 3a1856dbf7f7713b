"""Maintenance windows as the TOML file has them, below each system instance.

[[systems.erp.maintenance]]           # once
start = 2026-12-01T22:00:00Z
end = 2026-12-02T04:00:00Z

[[systems.erp.maintenance]]           # each week
weekday = "sunday"
begins = "02:00"
ends = "05:30"
time_zone = "Europe/Berlin"
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from system_apis.maintenance import WEEKDAYS, Once, Weekly, Window

TimeOfDay = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
LONGEST = timedelta(days=14)
"""A longer window is a typing error: everything that waits would wait for as long."""


class Maintenance(Struct, frozen=True, forbid_unknown_fields=True):
    """A window in which the instance is not called: `start` and `end`, or each week on a `weekday`, by `time_zone`.

    `ends` at or before `begins` is on the next day.
    """

    start: Annotated[datetime, Meta(tz=True)] | None = None
    end: Annotated[datetime, Meta(tz=True)] | None = None
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] | None = None
    begins: TimeOfDay | None = None
    ends: TimeOfDay | None = None
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        once, weekly = (self.start, self.end), (self.weekday, self.begins, self.ends)
        begun = [form for form in (once, weekly) if any(value is not None for value in form)]
        if len(begun) != 1 or None in begun[0]:
            raise ValueError("a maintenance window has start and end, or weekday, begins and ends: one form, whole")
        if self.start and self.end and not timedelta(0) < self.end - self.start <= LONGEST:
            raise ValueError(f"a maintenance window ends after its start, at most {LONGEST.days} days later")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"a maintenance window has the time zone {self.time_zone}, which does not exist") from None

    def window(self) -> Window:
        if self.start and self.end:
            return Once(self.start, self.end)
        begins, ends = time.fromisoformat(self.begins or ""), time.fromisoformat(self.ends or "")
        return Weekly(WEEKDAYS.index(self.weekday or ""), begins, ends, ZoneInfo(self.time_zone))


def windows(entries: Iterable[Maintenance]) -> tuple[Window, ...]:
    return tuple(entry.window() for entry in entries)
