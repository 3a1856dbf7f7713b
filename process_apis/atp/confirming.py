"""What a confirmation rule leaves of an offer, and where an estimate fills the rest (docs/promising.md §6). Pure."""

from __future__ import annotations

from decimal import Decimal

from process_apis.atp.facts import Asked, Estimate, Piece, Terms
from process_apis.atp.pieces import together, total


def confirmed_by(terms: Terms, asked: Asked, offered: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Several days, one day when all is there, or one day in time."""
    if terms.rule == "oneTime":
        return together(tuple(piece for piece in offered if piece.date <= asked.due))
    if terms.rule == "complete":
        return together(offered) if total(offered) >= asked.quantity else ()
    return offered if terms.split_dates else together(offered)


def estimated_by(
    terms: Terms, asked: Asked, offered: tuple[Piece, ...], kept: tuple[Piece, ...], estimate: Estimate | None
) -> tuple[Piece, ...]:
    """At most one piece, of what nothing covers."""
    if estimate is None or terms.rule == "oneTime":
        return ()
    missing = asked.quantity - total(offered)
    if missing <= 0:
        return ()
    if terms.rule == "complete":
        last = max(offered, key=lambda piece: piece.date, default=None)
        if last and last.date > estimate.delivery:
            return (_guess(asked.quantity, estimate, last),)
        return (_guess(asked.quantity, estimate),)
    if not terms.split_dates and kept:
        return ()
    return (_guess(missing, estimate),)


def _guess(quantity: Decimal, estimate: Estimate, last: Piece | None = None) -> Piece:
    day, ship = (last.date, last.ship) if last else (estimate.delivery, estimate.ship)
    return Piece(quantity, day, estimate.plant, "leadTime", "estimated", "low", estimate.source, ship)
