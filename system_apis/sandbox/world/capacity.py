"""The shop floor: work centres with finite capacity, what each plant makes where, and what is planned already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from system_apis.sandbox.world.materials import MATERIALS

REC20 = {"ST": "C62", "KG": "KGM", "KAR": "CT"}
"""SAP's internal unit codes in UN/ECE Recommendation 20, which the scheduler speaks."""

HORIZON_DAYS = 120
"""How far the scheduler plans, in calendar days."""

_SATURDAY = 5


@dataclass(frozen=True)
class WorkCentre:
    """`per_day` is in base units of whatever is made there."""

    name: str
    plant: str
    per_day: Decimal


WORK_CENTRES = {
    centre.name: centre
    for centre in (
        WorkCentre("WC-ASSY-1", "1710", Decimal(20)),
        WorkCentre("WC-ASSY-2", "1710", Decimal(12)),
        WorkCentre("WC-ASSY-3", "1720", Decimal(15)),
        WorkCentre("WC-CELL-1", "1710", Decimal(1)),
    )
}

ROUTINGS = {
    (plant, material.number): WORK_CENTRES[centre]
    for material in MATERIALS.values()
    for plant, centre in material.made_at.items()
    if not material.discontinued
}
"""Plant and material to the work centre that makes it; what is missing here cannot be made there."""


def working_days(first: date, last: date) -> Iterator[date]:
    """Monday to Friday, both ends included."""
    day = first
    while day <= last:
        if day.weekday() < _SATURDAY:
            yield day
        day += timedelta(days=1)


def planned_before(today: date) -> dict[tuple[str, date], Decimal]:
    """What other orders have taken, by work centre and day.

    Spans are calendar days, of which only the working ones count: from a Thursday WC-ASSY-1 is full for four shifts,
    from a Sunday for five. It is free again after the same number of days whatever day it is, half on the first.
    """
    load = {("WC-ASSY-1", day): Decimal(20) for day in working_days(today, today + timedelta(days=5))}
    load[("WC-ASSY-1", next(working_days(today + timedelta(days=6), today + timedelta(days=8))))] = Decimal(10)
    load |= {("WC-ASSY-2", day): Decimal(5) for day in working_days(today, today + timedelta(days=4))}
    load |= {("WC-CELL-1", day): Decimal(1) for day in working_days(today, today + timedelta(days=9))}
    return load
