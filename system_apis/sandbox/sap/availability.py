"""The availability check: what may be promised when, given stock, receipts and what other orders were confirmed.

What is free on a day is the lowest balance from that day on, so that a new promise never takes what a later one
already counts on. Only receipts raise it; hence a request is confirmed on its day and, as far as that does not
reach, at the next receipts. There is no replenishment lead time: what nothing covers stays unconfirmed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_DOWN, Decimal

from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.world.materials import UNITS
from system_apis.sandbox.world.orders import Item, ScheduleLine
from system_apis.sandbox.world.supply import Place

Balance = dict[date, Decimal]


def schedule(changes: Changes, item: Item) -> list[ScheduleLine]:
    """The schedule lines of `item`: the first with the ordered quantity, one more for every later receipt needed."""
    if item.rejection:
        return [ScheduleLine("1", item.quantity, Decimal(0), None)]
    confirmed = list(_confirmed(changes, item))
    on_time = confirmed[0] if confirmed and confirmed[0][0] == item.requested else None
    at_once = (on_time[1] if on_time else Decimal(0)) + item.delivered
    lines = [ScheduleLine("1", item.quantity, at_once, item.requested if at_once else None)]
    for day, quantity in confirmed[1:] if on_time else confirmed:
        lines.append(ScheduleLine(str(len(lines) + 1), Decimal(0), quantity, day))
    return lines


def free_from(changes: Changes, place: Place) -> list[tuple[date, Decimal]]:
    """What is free of a material in a plant, in base units, from which day on; the first day is today."""
    found = balance(changes, place)
    levels: list[tuple[date, Decimal]] = []
    for day in sorted(found):
        free = _free(found, day)
        if not levels or levels[-1][1] != free:
            levels.append((day, free))
    return levels


def _confirmed(changes: Changes, item: Item) -> Iterator[tuple[date, Decimal]]:
    world = changes.world
    base_units = world.materials[item.material].per(item.unit)
    step = Decimal(1).scaleb(-UNITS[item.unit].decimals)
    found = balance(changes, (item.material, item.plant), item)
    first = max(item.requested, world.today)
    given = item.delivered
    for day in [first, *sorted(d for d in found if d > first)]:
        free = (_free(found, day) / base_units - (given - item.delivered)).quantize(step, ROUND_DOWN)
        piece = min(item.quantity - given, free)
        if piece > 0:
            given += piece
            yield day, piece


def _free(found: Balance, day: date) -> Decimal:
    level, lowest = Decimal(0), None
    for moved in sorted({day, *found}):
        level += found.get(moved, Decimal(0))
        if moved >= day:
            lowest = level if lowest is None else min(lowest, level)
    return max(lowest or Decimal(0), Decimal(0))


def balance(changes: Changes, place: Place, asking: Item | None = None) -> Balance:
    """What comes and goes per day, in base units, without the asking item itself."""
    world = changes.world
    moves: defaultdict[date, Decimal] = defaultdict(Decimal)
    moves[world.today] += world.stock.get(place, Decimal(0))
    for receipt in world.receipts:
        if (receipt.material, receipt.plant) == place:
            moves[max(receipt.day, world.today)] += receipt.quantity
    for order in changes.orders():
        for item in order.items.values():
            if (item.material, item.plant) == place and item is not asking:
                base_units = world.materials[item.material].per(item.unit)
                gone = item.delivered
                for line in item.schedule:
                    if line.day:
                        moves[max(line.day, world.today)] -= (line.confirmed - gone) * base_units
                    gone = Decimal(0)
    return moves
