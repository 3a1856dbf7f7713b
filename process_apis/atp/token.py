"""The promise token: what was promised, sealed, so that the outcome can be compared with it later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from process_apis.atp.facts import ZERO, LinePromise
from process_apis.seals import SealBroken, Seals
from process_apis.words import new_id, tidy

PROMISE = "promise+jws"
EVIDENCE_FOR = timedelta(days=90)
"""How long after `valid_until` a promise is still evidence. Later nobody compares an outcome with it any more."""


MOST_DAYS = 25
"""So many days of a line a token tells apart: all that come later are told as the last of them, which accuses nobody of
breaking a promise. A hundred lines of that many fit into the longest seal."""


class PromisedPiece(Struct, frozen=True, array_like=True):
    quantity: Decimal
    date: date


class PromisedLine(Struct, frozen=True, array_like=True):
    """A line as asked, and the pieces it was promised in (none where the answer was unknown or no).

    `product` is the material that was promised: a substitute, if there was one.
    """

    line_id: str
    product: str
    quantity: Decimal
    unit: str
    pieces: tuple[PromisedPiece, ...]


class PromiseFact(Struct, frozen=True, rename="camel"):
    """Who was promised what. It stays evidence after `valid_until`; only then it is no offer any more."""

    check_id: str
    client: str
    sold_to: str
    valid_until: datetime
    lines: tuple[PromisedLine, ...]


def promise_fact(client: str, sold_to: str, valid_until: datetime, lines: Sequence[LinePromise]) -> PromiseFact:
    """The fact of a check just made; it gives the check its id."""
    return PromiseFact(new_id("atp"), client, sold_to, valid_until.replace(microsecond=0), tuple(map(_line, lines)))


def open_promise(seals: Seals, token: str) -> PromiseFact:
    """The fact inside, or SealBroken."""
    return seals.open(PROMISE, token, PromiseFact)


def open_evidence(seals: Seals, token: str, now: datetime) -> PromiseFact:
    """The promise that a caller presents to be compared with its outcome; SealBroken also if it has outlived that."""
    fact = open_promise(seals, token)
    if now > fact.valid_until + EVIDENCE_FOR:
        raise SealBroken("too old to be evidence")
    return fact


def _line(line: LinePromise) -> PromisedLine:
    asked = line.asked
    return PromisedLine(
        asked.line_id, line.substitute or asked.material, tidy(asked.quantity), asked.unit, _pieces(line)
    )


def _pieces(line: LinePromise) -> tuple[PromisedPiece, ...]:
    """What was confirmed. An estimate is no promise, nor is what the ERP would hold back."""
    if line.confirmed is None or line.status == "datePending":
        return ()
    by_day: dict[date, Decimal] = {}
    for piece in line.schedule:
        if piece.supply != "leadTime":
            by_day[piece.date] = by_day.get(piece.date, ZERO) + piece.quantity
    days = sorted(by_day)
    apart, together = (days, []) if len(days) <= MOST_DAYS else (days[: MOST_DAYS - 1], days[MOST_DAYS - 1 :])
    pieces = [PromisedPiece(tidy(by_day[day]), day) for day in apart]
    if together:
        pieces.append(PromisedPiece(tidy(sum((by_day[day] for day in together), ZERO)), together[-1]))
    return tuple(pieces)
