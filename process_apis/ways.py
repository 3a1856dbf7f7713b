"""The way of goods from a plant to a ship-to party, for promises and for the orders made from them alike: one rule, so
that both name the same days (docs/promising.md §3). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from process_apis.calendars import PlantCalendar, day_at
from process_apis.landscape import Plant
from system_apis.scheduler.models import PlannedLine, Requirement


class Way(NamedTuple):
    """From one plant to one ship-to party (the ERP's number), on the plant's day `today`."""

    calendar: PlantCalendar | None
    ship_to: str
    today: date

    def material_day(self, due: date) -> date:
        """The last day on which goods may be there to arrive when due."""
        return self.calendar.material_for(due, self.ship_to) if self.calendar else due

    def needed_by(self, due: date) -> date:
        """The day by which a scheduler is asked to finish: the last one in time, today if that has passed."""
        return max(self.material_day(due), self.today)

    def leaving(self, there: date, due: date) -> tuple[date | None, date]:
        """Of goods that are there on a day: when they leave (None: not known) and arrive, never before they are due."""
        if self.calendar is None:
            return None, max(there, due)
        leaving = self.calendar.from_material(there, self.ship_to)
        if leaving.delivery > due:
            return leaving
        return self.calendar.ship_for(due, self.ship_to), due

    def arrival_day(self, there: date, due: date) -> date:
        """When goods arrive that are there on a day."""
        return self.leaving(there, due)[1]

    def after_working_days(self, days: int) -> date:
        """The day that lies so many working days after today."""
        return self.calendar.after(self.today, days) if self.calendar else self.today + timedelta(days=days)

    def leaving_for(self, delivery: date) -> date | None:
        """When goods leave that the ERP lets arrive on `delivery`; None if not known, or if that is in the past."""
        ship = self.calendar.ship_for(delivery, self.ship_to) if self.calendar else None
        return ship if ship and ship >= self.today else None


def way_from(plants: Mapping[str, Plant], plant: str, ship_to: str, now: datetime) -> Way:
    """The way from a plant as it is now; a plant that we do not know has no calendar, and its days are UTC's."""
    known = plants.get(plant)
    if known is None:
        return Way(None, ship_to, now.date())
    return Way(known.calendar, ship_to, day_at(now, known.time_zone))


def in_time(needs: Iterable[Requirement], way: Way) -> tuple[Requirement, ...]:
    """What a scheduler is asked for: each need says the day of arrival, the scheduler has to know the day before it by
    which to finish."""
    return tuple(replace(need, due_date=way.needed_by(need.due_date)) for need in needs)


def arriving(line: PlannedLine, due: date, way: Way) -> PlannedLine:
    """What a scheduler finishes, on the days on which it arrives."""
    pieces = tuple(replace(piece, date=way.arrival_day(piece.date, due)) for piece in line.pieces)
    return replace(line, pieces=pieces)
