"""What was promised before an order, against what the order came to: drift by line, kept with the operation. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from process_apis.words import Instant, Quantity, View, tidy

ZERO = Decimal(0)
Kept = Literal["kept", "better", "worse"]
"""`better`: all that was promised, and it comes sooner. `worse`: on some day there is less than was promised."""


class Part(NamedTuple):
    """So much on a day."""

    quantity: Decimal
    date: date


class PromisedPart(View, frozen=True):
    """A part of a line on a day."""

    quantity: Quantity
    delivery_date: date


class LineDrift(View, frozen=True):
    """A line as it was promised, as it came out, and what lies between: `shortBy` is what of the promised quantity
    comes on no day, `daysLater` how much later all of it is there (negative: sooner; null: it never is)."""

    line_id: str
    outcome: Kept
    promised: tuple[PromisedPart, ...]
    now: tuple[PromisedPart, ...]
    short_by: Quantity
    days_later: int | None


class PromiseOutcome(View, frozen=True):
    """The promise that was presented, and what became of it. `expired`: it was past its time when it was presented."""

    check_id: str
    valid_until: Instant
    expired: bool
    outcome: Kept
    lines: tuple[LineDrift, ...]


def line_drift(line_id: str, unit: str, promised: Sequence[Part], now: Sequence[Part]) -> LineDrift:
    """Both in `unit`. A promise of nothing is always kept."""
    wanted = _total(promised)
    short = max(ZERO, wanted - _total(now))
    was, is_ = _complete_on(promised, wanted), _complete_on(now, wanted)
    later = (is_ - was).days if was and is_ else 0 if was is None else None
    less_on_some_day = any(_by(now, part.date) < _by(promised, part.date) for part in promised)
    outcome: Kept = "worse" if less_on_some_day else "better" if later is not None and later < 0 else "kept"
    return LineDrift(line_id, outcome, _shown(promised, unit), _shown(now, unit), Quantity(tidy(short), unit), later)


def worst(lines: Iterable[LineDrift]) -> Kept:
    """How a promise as a whole came out."""
    outcomes = {line.outcome for line in lines}
    if "worse" in outcomes:
        return "worse"
    return "better" if "better" in outcomes else "kept"


def _complete_on(parts: Sequence[Part], wanted: Decimal) -> date | None:
    """The first day by which `wanted` is there; None if that is on no day, or if nothing is wanted."""
    days = sorted(part.date for part in parts)
    return next((day for day in days if _by(parts, day) >= wanted), None) if wanted > 0 else None


def _by(parts: Iterable[Part], day: date) -> Decimal:
    return _total(part for part in parts if part.date <= day)


def _total(parts: Iterable[Part]) -> Decimal:
    return sum((part.quantity for part in parts), ZERO)


def _shown(parts: Iterable[Part], unit: str) -> tuple[PromisedPart, ...]:
    ordered = sorted(parts, key=lambda part: part.date)
    return tuple(PromisedPart(Quantity(tidy(part.quantity), unit), part.date) for part in ordered)
