"""Random small worlds: what a caller asks, and what each neighbour would say. No word of how it is decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

TODAY = date(2030, 3, 6)
"""A Wednesday; the clocks of the plant's zone change on the following Sunday."""
BASES = {"M1": "C62", "M2": "KGM", "M3": "C62"}
RATIOS = {"M1": {"CT": (12, 1)}, "M2": {"GRM": (1, 1000), "TNE": (1000, 1)}, "M3": {"CT": (10, 3)}}


@dataclass
class Calendar:
    weekdays: frozenset[int]
    holidays: frozenset[date]
    pick_pack: int
    transit: int


@dataclass
class Line:
    material: str
    quantity: Decimal
    unit: str
    due: date


@dataclass
class Plant:
    """`levels`: free of a material from a day on, in base units. A material that is not there is silent."""

    calendar: Calendar | None
    levels: dict[str, list[tuple[date, Decimal]]]
    confirmations: dict[int, list[tuple[date, Decimal]]]
    """What a simulation would confirm, by line, in the line's unit."""


@dataclass
class World:
    lines: list[Line]
    plant: Plant
    other: Plant | None
    rung: str
    mode: str
    rule: str
    split_dates: bool
    substitutes: bool
    silent: bool = False
    refused: set[int] = field(default_factory=set)
    instead: dict[int, str] = field(default_factory=dict)
    credit_blocked: bool = False
    kept: bool = False
    masters: dict[str, int] = field(default_factory=dict)
    """Replenishment days of the materials whose master data is known."""
    scheduler: str = "up"
    """`none`, `up`, `silent`, or `strange`, which answers in a unit that nobody asked in."""
    made_at: dict[str, str] = field(default_factory=dict)
    """The work centre that makes a material."""
    capacity: dict[str, list[tuple[date, Decimal]]] = field(default_factory=dict)
    """What a work centre can finish by day, in base units of whatever it makes."""
    held: set[str] = field(default_factory=set)
    """Materials of which the order that the check is about holds something; only a simulation gives it back."""
    plan_keeps: bool = False
    """Whether the plan does not give back what it holds for that order."""


def day(chance: Random, low: int, high: int) -> date:
    return TODAY + timedelta(days=chance.randint(low, high))


def amount(chance: Random, unit: str, most: int) -> Decimal:
    if unit in ("C62", "CT"):
        return Decimal(chance.randint(0, most))
    return Decimal(chance.randint(0, most * 1000)) / 1000


def world(chance: Random) -> World:
    lines = [line(chance) for _ in range(chance.randint(1, 4))]
    rung = chance.choice(["simulation", "simulation", "availability", "availability", "stock"])
    simulated = rung == "simulation"
    return World(
        lines=lines,
        plant=plant(chance, lines),
        other=plant(chance, lines) if chance.random() < 0.3 else None,
        rung=rung,
        mode=chance.choice(["atp", "ctp", "atpThenCtp", "atpThenCtp"]),
        rule=chance.choice(["proposal", "proposal", "complete", "oneTime"]),
        split_dates=chance.random() < 0.7,
        substitutes=chance.random() < 0.5,
        silent=chance.random() < 0.05,
        refused=refused(chance, lines, simulated=simulated),
        instead={place: "M9" for place in range(len(lines)) if simulated and chance.random() < 0.08},
        credit_blocked=simulated and chance.random() < 0.1,
        kept=chance.random() < 0.15,
        masters={name: chance.choice([0, 1, 5, 12]) for name in BASES if chance.random() < 0.9},
        scheduler=chance.choice(["none", "up", "up", "up", "silent", "strange"]),
        made_at={name: chance.choice(["WC-1", "WC-1", "WC-2"]) for name in BASES},
        capacity={
            name: sorted((day(chance, -1, 25), amount(chance, "C62", 30)) for _ in range(chance.randint(0, 4)))
            for name in ("WC-1", "WC-2")
        },
        held={name for name in BASES if chance.random() < 0.08},
        plan_keeps=chance.random() < 0.05,
    )


def refused(chance: Random, lines: list[Line], *, simulated: bool) -> set[int]:
    """A simulation refuses lines, the other interfaces refuse materials."""
    first = {place for place in range(len(lines)) if chance.random() < 0.08}
    if simulated:
        return first
    materials = {lines[place].material for place in first}
    return {place for place, one in enumerate(lines) if one.material in materials}


def line(chance: Random) -> Line:
    material = chance.choice(list(BASES))
    unit = chance.choice(
        [BASES[material], BASES[material], *RATIOS[material], "MTR" if chance.random() < 0.1 else "C62"]
    )
    quantity = max(amount(chance, unit, 40), Decimal("0.5") if unit in ("KGM", "GRM") else Decimal(1))
    return Line(material, quantity, unit, day(chance, 0, 20))


def plant(chance: Random, lines: list[Line]) -> Plant:
    return Plant(
        calendar(chance) if chance.random() < 0.75 else None,
        {name: levels(chance, base) for name, base in BASES.items() if chance.random() < 0.95},
        {place: confirmations(chance, one) for place, one in enumerate(lines)},
    )


def calendar(chance: Random) -> Calendar:
    week = frozenset(range(5)) if chance.random() < 0.7 else frozenset(chance.sample(range(7), chance.randint(1, 7)))
    holidays = frozenset(day(chance, -3, 25) for _ in range(chance.randint(0, 4)))
    return Calendar(week, holidays, chance.randint(0, 3), chance.randint(0, 4))


def levels(chance: Random, unit: str) -> list[tuple[date, Decimal]]:
    """Mostly rising, as receipts come; sometimes falling, as orders are due."""
    days = sorted({TODAY, *(day(chance, 1, 25) for _ in range(chance.randint(0, 4)))})
    free, found = amount(chance, unit, 60), []
    for one in days:
        found.append((one, max(Decimal(0), free)))
        free += amount(chance, unit, 40) if chance.random() < 0.8 else -amount(chance, unit, 30)
    return found


def confirmations(chance: Random, asked: Line) -> list[tuple[date, Decimal]]:
    days = [asked.due, *sorted(day(chance, 0, 25) for _ in range(2))]
    return [(one, amount(chance, asked.unit, 25)) for one in days if chance.random() < 0.7]
