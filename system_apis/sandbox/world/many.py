"""A large world: as many approved quotes as somebody wants to convert, all of them orderable, none like the next.

Drawn from a seed, so that the same seed makes the same quotes. What is bought lies in stock for all of them at once;
what is made in house is taken from the plan, which is finite: that is what makes a crowd of quotes worth converting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random

from system_apis.sandbox.world.quotes import REQUESTED_IN, Line, Sketch
from system_apis.sandbox.world.supply import Place

FIRST_NAME = 2001
"""Q-2001 is the first of them."""

_CUSTOMERS = ("17100001", "17100002", "17100004", "17100005")
_BOUGHT = ("TG10", "TG11", "TG13", "TG15", "TG17", "TG20", "TG21", "SP900")
_MADE = ("FG126", "FG226")
_MOST_LINES = 4
_MOST_PIECES = 6
_SHARE_MADE = 0.35
_SHARE_OF_TWO_DAYS = 0.25


def sketches(count: int, seed: int) -> tuple[Sketch, ...]:
    chance = Random(f"{seed}:quotes")  # noqa: S311 - the same quotes for the same seed, not a secret
    return tuple(_sketch(chance) for _ in range(count))


def _sketch(chance: Random) -> Sketch:
    materials = chance.sample(_BOUGHT, chance.randint(1, _MOST_LINES - 1))
    lines = [Line(material, chance.randint(1, _MOST_PIECES)) for material in materials]
    if chance.random() < _SHARE_MADE:
        lines.insert(chance.randint(0, len(lines)), Line(chance.choice(_MADE), chance.randint(1, _MOST_PIECES // 2)))
    if chance.random() < _SHARE_OF_TWO_DAYS:
        lines[-1] = replace(lines[-1], days=REQUESTED_IN + chance.randint(1, 20))
    return Sketch(chance.choice(_CUSTOMERS), tuple(lines), valid_days=365)


def needed(quotes: Sequence[Sketch]) -> dict[Place, Decimal]:
    """What all these quotes take of the materials that are bought, in base units."""
    taken: Counter[Place] = Counter()
    for quote in quotes:
        for line in quote.lines:
            if line.material in _BOUGHT:
                taken[line.material, line.plant] += int(line.quantity)
    return {place: Decimal(quantity) for place, quantity in taken.items()}
