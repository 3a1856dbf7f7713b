"""The promise that was presented, line by line against what the order came to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from process_apis.atp.token import PromisedLine, PromiseFact
from process_apis.operations import OperationLine
from process_apis.promises import LineDrift, Part, PromiseOutcome, line_drift, worst


def compared(promised: PromiseFact | None, shown: Sequence[OperationLine], at: datetime) -> PromiseOutcome | None:
    """None if no promise was presented, or none that speaks of these lines. `at` is when it was presented."""
    if promised is None:
        return None
    drifts = tuple(_drift(line, said) for line, said in _matched(shown, promised.lines))
    lines = tuple(one for one in drifts if one is not None)
    if not lines:
        return None
    return PromiseOutcome(promised.check_id, promised.valid_until, at > promised.valid_until, worst(lines), lines)


def _matched(
    shown: Iterable[OperationLine], promised: Iterable[PromisedLine]
) -> list[tuple[OperationLine, PromisedLine]]:
    """A promise names its lines as its caller did: by the same id if they came from the quote, otherwise those belong
    together that are about the same quantity of the same product, if that leaves no choice."""
    left, pairs, others = list(promised), [], []
    for line in shown:
        same = next((one for one in left if one.line_id == line.line_id and one.product == line.product), None)
        if same is None:
            others.append(line)
        else:
            left.remove(same)
            pairs.append((line, same))
    for wish in dict.fromkeys(map(_wish, others)):
        alike = [one for one in left if (one.product, one.quantity, one.unit) == wish]
        pairs += _without_choice([line for line in others if _wish(line) == wish], alike)
    return pairs


def _wish(line: OperationLine) -> tuple[str, Decimal, str]:
    return line.product, line.requested.value, line.requested.unit


def _without_choice(
    lines: Sequence[OperationLine], alike: Sequence[PromisedLine]
) -> Iterator[tuple[OperationLine, PromisedLine]]:
    """Pairs, if whichever way they are made comes to the same: a line must not be held to another one's promise."""
    if len(lines) <= len(alike) and len({one.pieces for one in alike}) == 1:
        yield from zip(lines, alike, strict=False)


def _drift(line: OperationLine, promised: PromisedLine) -> LineDrift | None:
    """In the unit of the order. What the ERP holds back is confirmed on no day."""
    unit = (line.ordered or line.requested).unit
    ratio = _ratio(line, promised.unit, unit)
    if ratio is None:
        return None
    said = [Part(_times(one.quantity, ratio), one.date) for one in promised.pieces]
    confirmed = line.item is not None and line.state != "hold"
    now = [Part(one.quantity.value, one.delivery_date) for one in line.schedule] if confirmed else []
    return line_drift(line.line_id, unit, said, now)


def _ratio(line: OperationLine, unit: str, to: str) -> Fraction | None:
    if unit == to:
        return Fraction(1)
    by = line.uom_conversion
    return by.ratio if by and (by.from_unit, by.to) == (unit, to) else None


def _times(quantity: Decimal, ratio: Fraction) -> Decimal:
    exact = Fraction(quantity) * ratio
    return Decimal(exact.numerator) / Decimal(exact.denominator)
