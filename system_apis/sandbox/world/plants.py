"""The plants of sales area 1710 / 10 / 00."""

from __future__ import annotations

from dataclasses import dataclass

SALES_AREA = ("1710", "10", "00")
"""Sales organisation, distribution channel, division: the only one there is."""


@dataclass(frozen=True)
class Plant:
    number: str
    name: str
    timezone: str


PLANTS = {
    plant.number: plant
    for plant in (
        Plant("1710", "Palo Alto", "America/Los_Angeles"),
        Plant("1720", "Denver", "America/Denver"),
    )
}
