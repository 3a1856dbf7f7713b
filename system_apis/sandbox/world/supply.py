"""What lies in stock and what is on its way, in base units; days relative to the world's first day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

Place = tuple[str, str]
"""A material in a plant."""


@dataclass(frozen=True)
class Receipt:
    """A purchase or production receipt that the availability check may count on from `day` on."""

    material: str
    plant: str
    quantity: Decimal
    day: date


_STOCK: dict[str, dict[str, int | str]] = {
    "1710": {
        "TG10": 800, "TG11": 500, "TG12": 60, "TG13": 250, "TG14": 35, "TG15": 400, "TG16": "1250.500", "TG17": 6000,
        "TG18": 75, "TG19": 2000, "TG21": 120, "FG126": 10, "FG128": 6, "FG226": 4, "FG310": 1, "SP900": 90,
    },
    "1720": {
        "TG10": 200, "TG11": 120, "TG12": 40, "TG13": 60, "TG15": 100, "TG16": "300.000", "TG17": 1200, "TG18": 20,
        "TG19": 500, "TG21": 30, "TG22": 140, "FG126": 2, "FG226": 8, "FG228": 3, "SP900": 25,
    },
}  # fmt: skip
_RECEIPTS = (("TG12", "1710", 200, 12), ("TG13", "1710", 300, 9), ("TG18", "1710", 150, 15), ("TG22", "1720", 60, 7))


def stock() -> dict[Place, Decimal]:
    return {
        (material, plant): Decimal(quantity) for plant, shelf in _STOCK.items() for material, quantity in shelf.items()
    }


def receipts(today: date) -> list[Receipt]:
    return [
        Receipt(material, plant, Decimal(quantity), today + timedelta(days))
        for material, plant, quantity, days in _RECEIPTS
    ]
