"""The plants of sales area 1710 / 10 / 00."""

from __future__ import annotations

from dataclasses import dataclass

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
