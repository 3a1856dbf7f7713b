"""The plants of sales area 1710 / 10 / 00."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

SALES_AREA = ("1710", "10", "00")
"""Sales organisation, distribution channel, division: the only one there is."""


@dataclass(frozen=True)
class Plant:
    """`sap_zone` is the time zone's name in SAP."""

    number: str
    name: str
    timezone: str
    sap_zone: str


PLANTS = {
    plant.number: plant
    for plant in (
        Plant("1710", "Palo Alto", "America/Los_Angeles", "PST"),
        Plant("1720", "Denver", "America/Denver", "MST"),
    )
}


def plant_day(moment: datetime) -> date:
    """The day it is then at the first plant: by it the world counts, and not by UTC, whose days begin eight hours
    earlier and would put what lies in stock into the plant's tomorrow."""
    return moment.astimezone(ZoneInfo(PLANTS["1710"].timezone)).date()
