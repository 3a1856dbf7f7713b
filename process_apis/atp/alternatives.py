"""Other ways to deliver a line that is not all on time, best first (docs/promising.md §9). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from process_apis.atp.facts import Alternative, Asked, Piece, There
from process_apis.atp.pieces import earliest, from_erp, from_plan, together, total


def alternatives(
    asked: Asked, offered: tuple[Piece, ...], kept: tuple[Piece, ...], elsewhere: Sequence[There]
) -> tuple[Alternative, ...]:
    """Ranked: more quantity, an earlier last day, fewer deliveries, the same plant, the plant's number."""
    found = [*_otherwise_timed(asked, offered, kept), *_from_elsewhere(asked, kept, elsewhere)]
    return tuple(sorted(found, key=lambda one: _rank(asked, one)))


def summary(asked: Asked, alternative: Alternative, plant: str) -> str:
    """How it differs, in one sentence; `plant` is what the reader calls the plant it comes from."""
    pieces = alternative.schedule
    amount, last = total(pieces), max(piece.date for piece in pieces)
    much = f"all {amount:f}" if amount >= asked.quantity else f"{amount:f} of {asked.quantity:f}"
    days = len({piece.date for piece in pieces})
    when = f"together on {last}" if days == 1 else f"in {days} deliveries until {last}"
    return f"{much} from {plant} {when}" if alternative.kind == "alternativePlant" else f"{much} {when}"


def _otherwise_timed(asked: Asked, offered: tuple[Piece, ...], kept: tuple[Piece, ...]) -> Iterator[Alternative]:
    if not offered:
        return
    if _days(kept) != _days(offered):
        yield Alternative("split", offered[0].plant, offered)
    joined = together(offered)
    if len(_days(offered)) > 1 and total(offered) >= asked.quantity and _days(kept) != _days(joined):
        yield Alternative("laterDate", offered[0].plant, joined)


def _from_elsewhere(asked: Asked, kept: tuple[Piece, ...], elsewhere: Sequence[There]) -> Iterator[Alternative]:
    for there in elsewhere:
        pieces = earliest(asked.quantity, [*from_erp(asked, there.erp), *from_plan(there.plan)])
        if pieces and _better(pieces, kept):
            yield Alternative("alternativePlant", pieces[0].plant, pieces)


def _better(pieces: tuple[Piece, ...], kept: tuple[Piece, ...]) -> bool:
    """More, or as much and sooner."""
    if total(pieces) != total(kept):
        return total(pieces) > total(kept)
    return max(piece.date for piece in pieces) < max(piece.date for piece in kept)


def _days(pieces: tuple[Piece, ...]) -> dict[object, Decimal]:
    days: dict[object, Decimal] = {}
    for piece in pieces:
        days[piece.date] = days.get(piece.date, Decimal(0)) + piece.quantity
    return days


def _rank(asked: Asked, one: Alternative) -> tuple[object, ...]:
    days = _days(one.schedule)
    return (
        -total(one.schedule),
        max(piece.date for piece in one.schedule),
        len(days),
        one.plant != asked.plant,
        one.plant,
    )
