"""Plant calendars: from the day goods are there to the day they arrive, and back. Pure, and in days of the plant.

Goods are picked and leave on working days; on the road every day counts. Days, not instants: a change of the clocks
moves no day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

ONE = timedelta(days=1)
LONGEST_REST = 366
"""Days without a working day between; the configuration refuses a calendar that rests for longer."""
TodayAt = Callable[[str], date]
"""The day it is at a plant, by its number."""


class Lane(Struct, frozen=True):
    """The way to a region: `transit_days` are calendar days on the road to the `ship_tos` (ERP numbers) in it."""

    region: str
    transit_days: int
    ship_tos: frozenset[str] = frozenset()


class Leaving(NamedTuple):
    """The day goods leave the plant and the day they arrive."""

    ship: date
    delivery: date


class PlantCalendar(Struct, frozen=True):
    """How a plant delivers. `weekdays`: 0 is Monday. `pick_pack_days` are working days between material and leaving."""

    weekdays: frozenset[int] = frozenset(range(7))
    holidays: frozenset[date] = frozenset()
    pick_pack_days: int = 0
    transit_days: int = 0
    lanes: tuple[Lane, ...] = ()

    def works(self, day: date) -> bool:
        return day.weekday() in self.weekdays and day not in self.holidays

    def transit(self, ship_to: str) -> int:
        """Calendar days on the road to a ship-to party; the plant's own figure for one that no lane names."""
        return next((lane.transit_days for lane in self.lanes if ship_to in lane.ship_tos), self.transit_days)

    def after(self, day: date, working_days: int) -> date:
        """The working day that many working days after `day`; for none the first one on or after `day`."""
        found = self._seek(day, ONE)
        for _ in range(working_days):
            found = self._seek(found + ONE, ONE)
        return found

    def before(self, day: date, working_days: int) -> date:
        """The working day that many working days before `day`; for none the last one on or before `day`."""
        found = self._seek(day, -ONE)
        for _ in range(working_days):
            found = self._seek(found - ONE, -ONE)
        return found

    def from_material(self, day: date, ship_to: str) -> Leaving:
        """When goods leave and arrive that are there on `day`."""
        ship = self.after(day, self.pick_pack_days)
        return Leaving(ship, ship + timedelta(days=self.transit(ship_to)))

    def ship_for(self, delivery: date, ship_to: str) -> date:
        """The last working day on which goods can leave to arrive on `delivery`, or before it."""
        return self.before(delivery - timedelta(days=self.transit(ship_to)), 0)

    def delivery_for(self, ship: date, ship_to: str) -> date:
        """When goods arrive that leave on `ship`."""
        return ship + timedelta(days=self.transit(ship_to))

    def material_for(self, delivery: date, ship_to: str) -> date:
        """The last day on which goods may be there to arrive on `delivery`."""
        return self.before(self.ship_for(delivery, ship_to), self.pick_pack_days)

    def _seek(self, day: date, step: timedelta) -> date:
        for _ in range(LONGEST_REST + 7):  # a weekend may stand before it
            if self.works(day):
                return day
            day += step
        raise ValueError("a plant calendar without a working day in more than a year")


def longest_rest(weekdays: frozenset[int], holidays: Iterable[date]) -> int:
    """The most days in a row on which nobody works; a calendar of no weekday at all rests for ever."""
    closed, longest = frozenset(holidays), 0
    for first in closed:
        day = first
        while longest <= LONGEST_REST and (day in closed or day.weekday() not in weekdays):
            day += ONE
            longest = max(longest, (day - first).days)
    return longest


def day_at(moment: datetime, zone: ZoneInfo) -> date:
    """The plant's day of an instant."""
    return moment.astimezone(zone).date()


def weekdays_of(names: Iterable[str]) -> frozenset[int]:
    """`mon` … `sun` as numbers, Monday is 0."""
    return frozenset(WEEKDAYS.index(name) for name in names)


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
