"""The promise token: what was promised, sealed, so that the outcome can be compared with it later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from process_apis.atp.facts import LinePromise
from process_apis.seals import Seals
from process_apis.words import new_id, tidy

PROMISE = "promise+jws"


class PromisedPiece(Struct, frozen=True, array_like=True):
    quantity: Decimal
    date: date


class PromisedLine(Struct, frozen=True, rename="camel"):
    """A line as asked, and the pieces it was promised in (none where the answer was unknown or no)."""

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
    promised = tuple(
        PromisedLine(line.asked.line_id, line.asked.material, tidy(line.asked.quantity), line.asked.unit, _pieces(line))
        for line in lines
    )
    return PromiseFact(new_id("atp"), client, sold_to, valid_until, promised)


def open_promise(seals: Seals, token: str) -> PromiseFact:
    """The fact inside, or SealBroken."""
    return seals.open(PROMISE, token, PromiseFact)


def _pieces(line: LinePromise) -> tuple[PromisedPiece, ...]:
    if line.confirmed is None or line.status == "datePending":
        return ()
    return tuple(PromisedPiece(tidy(piece.quantity), piece.date) for piece in line.schedule)
