"""Pieces of a promise: what arrives, with how firm and how sure it is (docs/promising.md §5 and §8). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from process_apis.atp.facts import ZERO, Arrival, Asked, ErpFact, Piece, PlanFact
from process_apis.atp.models import Confidence, Firmness

_LOWER: dict[Confidence, Confidence] = {"firm": "high", "high": "medium", "medium": "low", "low": "low"}


def total(pieces: Iterable[Piece]) -> Decimal:
    amount = ZERO
    for piece in pieces:
        amount += piece.quantity
    return amount


def earliest(wanted: Decimal, pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The earliest pieces that make up `wanted`, the last one cut; the ERP's before the scheduler's of the same day."""
    taken: list[Piece] = []
    left = wanted
    for piece in sorted(pieces, key=lambda piece: (piece.date, piece.supply == "production")):
        if left <= 0:
            break
        taken.append(piece if piece.quantity <= left else replace(piece, quantity=left))
        left -= piece.quantity
    return tuple(taken)


def together(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """All of them on the last of their days."""
    last = max(pieces, key=lambda piece: piece.date, default=None)
    return tuple(replace(piece, date=last.date, ship=last.ship) for piece in pieces) if last else ()


def from_erp(asked: Asked, erp: ErpFact) -> list[Piece]:
    if erp.line is None or erp.line.unit != asked.unit:
        return []
    plant, firmness = erp.line.plant, _firmness_of(erp)
    return [
        _piece(one, plant, firmness, _sure(_confidence_of(one, erp), live=erp.live), erp.source)
        for one in erp.line.arrivals
        if one.quantity > 0
    ]


def from_plan(plan: PlanFact | None) -> list[Piece]:
    if plan is None or plan.arrivals is None:
        return []
    sure = _sure("medium", live=plan.live)
    return [_piece(one, plan.plant, "simulated", sure, plan.source) for one in plan.arrivals if one.quantity > 0]


def _piece(arrival: Arrival, plant: str, firmness: Firmness, confidence: Confidence, source: str) -> Piece:
    return Piece(arrival.quantity, arrival.delivery, plant, arrival.supply, firmness, confidence, source, arrival.ship)


def _firmness_of(erp: ErpFact) -> Firmness:
    return "estimated" if erp.rung == "stock" else "unreserved"


def _confidence_of(arrival: Arrival, erp: ErpFact) -> Confidence:
    if erp.rung == "stock":
        return "low"
    return "high" if arrival.supply == "onHand" else "medium"


def _sure(confidence: Confidence, *, live: bool) -> Confidence:
    """What was not read for this call counts one class lower."""
    return confidence if live else _LOWER[confidence]
