"""How things are made: bills of material and routings, with the change numbers under which they were released."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from system_apis.sandbox.world.materials import MATERIALS

PRODUCTION, SALES = "1", "5"
"""What a bill is for: production, or sales and distribution, where it says what a bundle consists of."""

_FIRST_DAY, _LAST_DAY = date(2020, 1, 1), date(9999, 12, 31)


@dataclass(frozen=True)
class Bill:
    """A bill of material of `material` in `plant`, valid from one day through another under a change number."""

    number: str
    material: str
    plant: str
    usage: str
    change: str = ""
    first: date = _FIRST_DAY
    last: date = _LAST_DAY


@dataclass(frozen=True)
class Routing:
    """A version of the routing that makes `material` in `plant`; versions count upwards."""

    group: str
    material: str
    plant: str
    version: int
    change: str = ""
    first: date = _FIRST_DAY
    last: date = _LAST_DAY


_CONFIGURED, _ITS_PLANT = "FG300", "1710"
"""The configured product: its bill changed thirty days ago, its routing sixty."""


def bills(today: date) -> Iterator[Bill]:
    """One bill for production of whatever is made, and the bundle that the configured product is sold as."""
    for place, (material, plant) in enumerate(_made(), start=1):
        number = f"{place:08d}"
        if material == _CONFIGURED:
            changed = today - timedelta(30)
            yield Bill(number, material, plant, PRODUCTION, "C300-2", last=changed - timedelta(1))
            yield Bill(number, material, plant, PRODUCTION, "C300-3", first=changed)
            yield Bill(f"{place + 500:08d}", material, plant, SALES, "B300-1")
        else:
            yield Bill(number, material, plant, PRODUCTION)


def routings(today: date) -> Iterator[Routing]:
    for place, (material, plant) in enumerate(_made(), start=1):
        if material == _CONFIGURED:
            changed, group = today - timedelta(60), "50000300"
            yield Routing(group, material, plant, 1, "R300-3", last=changed - timedelta(1))
            yield Routing(group, material, plant, 2, "R300-4", first=changed)
        else:
            yield Routing(f"5{place:07d}", material, plant, 1)


def current_routing(material: str, plant: str, today: date) -> str | None:
    """The change number of the routing that is valid today; none where it has none."""
    valid = (one for one in routings(today) if (one.material, one.plant) == (material, plant))
    return next((one.change for one in valid if one.first <= today <= one.last), "") or None


def _made() -> list[tuple[str, str]]:
    return [(made.number, plant) for made in MATERIALS.values() for plant in made.made_at if plant == _ITS_PLANT]
