"""From what a source has on a day to what arrives at the customer (docs/promising.md §3 to §5). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from process_apis.atp.facts import ZERO, Arrival, Asked
from process_apis.atp.models import Supply
from process_apis.atp.units import Conversion
from process_apis.ways import Way
from system_apis.sap.goods import Place
from system_apis.sap.models import Confirmation
from system_apis.scheduler.models import PlannedPiece


class Level(NamedTuple):
    """So much is free of a material from this day on, in base units."""

    day: date
    free: Decimal


class Taking(NamedTuple):
    """So much is taken of a material for a line on a day. `at_hand` of it is there today."""

    day: date
    quantity: Decimal
    at_hand: Decimal


def from_simulation(asked: Asked, confirmed: Iterable[Confirmation], way: Way) -> tuple[Arrival, ...]:
    """The dates of the ERP are arrivals; it names no supply but by its dates."""
    return tuple(
        Arrival(one.confirmed, way.leaving_for(one.date), one.date, "onHand" if one.date <= asked.due else "inbound")
        for one in confirmed
        if one.date is not None and one.confirmed > 0
    )


def from_takings(asked: Asked, takings: Sequence[Taking], conversion: Conversion, way: Way) -> tuple[Arrival, ...]:
    """What was taken for a line, in the line's unit."""
    parts: list[tuple[date, Decimal, Supply]] = []
    for one in takings:
        parts += [(one.day, one.at_hand, "onHand"), (one.day, one.quantity - one.at_hand, "inbound")]
    return _arrivals(asked, parts, conversion, way)


def from_plan(asked: Asked, planned: Iterable[PlannedPiece], conversion: Conversion, way: Way) -> tuple[Arrival, ...]:
    """What a scheduler finishes day by day, in the line's unit."""
    pieces = sorted(planned, key=lambda piece: piece.date)
    return _arrivals(asked, [(piece.date, piece.quantity, "production") for piece in pieces], conversion, way)


class Need(NamedTuple):
    """A line needs so much of a material at a plant, in base units, on `last` at the latest to be in time."""

    line_id: str
    place: Place
    quantity: Decimal
    last: date


def take(levels: Mapping[Place, Sequence[Level]], needs: Sequence[Need], today: date) -> dict[str, tuple[Taking, ...]]:
    """Lines take of what is free, in their order: on the last day in time (today, if that has passed), and whatever
    each later day adds."""
    gone: dict[Place, dict[date, Decimal]] = {}
    found: dict[str, tuple[Taking, ...]] = {}
    for need in needs:
        shelf = _Shelf(levels[need.place], gone.setdefault(need.place, {}))
        found[need.line_id] = tuple(shelf.take(need.quantity, max(need.last, today), today))
    return found


class _Shelf(NamedTuple):
    """What is there of a material, and what lines have taken of it by day."""

    levels: Sequence[Level]
    gone: dict[date, Decimal]

    def take(self, wanted: Decimal, first: date, today: date) -> Iterator[Taking]:
        at_hand = self.free(today)
        for day in [first, *sorted({level.day for level in self.levels if level.day > first})]:
            part = min(wanted, self.free(day))
            if part > 0:
                wanted -= part
                self.gone[day] = self.gone.get(day, ZERO) + part
                yield Taking(day, part, min(part, at_hand) if day == first else ZERO)

    def free(self, day: date) -> Decimal:
        """The least that is free on the day and on every later one."""
        days = {day, *(one.day for one in self.levels if one.day > day), *(one for one in self.gone if one > day)}
        return max(ZERO, min(_level(self.levels, one) - self._gone_by(one) for one in days))

    def _gone_by(self, day: date) -> Decimal:
        return sum((quantity for when, quantity in self.gone.items() if when <= day), ZERO)


def arriving(quantity: Decimal, there: date, due: date, supply: Supply, way: Way) -> Arrival:
    """Of goods that are there on a day."""
    return Arrival(quantity, *way.leaving(there, due), supply)


def _level(levels: Sequence[Level], day: date) -> Decimal:
    reached = [level for level in levels if level.day <= day]
    return max(reached, key=lambda level: level.day).free if reached else ZERO


def _arrivals(
    asked: Asked, parts: Sequence[tuple[date, Decimal, Supply]], conversion: Conversion, way: Way
) -> tuple[Arrival, ...]:
    turned = conversion.parts_from_base(quantity for _, quantity, _ in parts)
    return tuple(
        arriving(quantity, day, asked.due, supply, way)
        for (day, _, supply), quantity in zip(parts, turned, strict=True)
        if quantity > 0
    )
