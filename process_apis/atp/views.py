"""From a decision to what the client may read of it: one builder per response type."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from process_apis.atp.alternatives import summary
from process_apis.atp.facts import LinePromise, Piece
from process_apis.atp.models import (
    InternalAlternative,
    InternalFactor,
    InternalLine,
    InternalSchedule,
    PartnerAlternative,
    PartnerFactor,
    PartnerLine,
    PartnerSchedule,
    Requested,
    UomConversion,
)
from process_apis.atp.units import Conversion
from process_apis.disclosure import PlantId, for_partner, public_name
from process_apis.exceptions import ExceptionView
from process_apis.landscape import Plant
from process_apis.words import Quantity, tidy


def internal_line(promise: LinePromise, exceptions: tuple[ExceptionView, ...]) -> InternalLine:
    """Everything: plants by id, what limits the line by name."""
    unit = promise.asked.unit
    return InternalLine(
        **_head(promise),
        schedule=_internal_schedule(promise.schedule, unit),
        limiting_factors=tuple(
            InternalFactor(factor.code, factor.message, factor.ref, PlantId(factor.plant)) for factor in promise.factors
        ),
        alternatives=tuple(
            InternalAlternative(
                rank, one.kind, summary(promise.asked, one, one.plant), _internal_schedule(one.schedule, unit)
            )
            for rank, one in enumerate(promise.alternatives, 1)
        ),
        exceptions=exceptions,
    )


def partner_line(
    promise: LinePromise, exceptions: tuple[ExceptionView, ...], plants: Mapping[str, Plant]
) -> PartnerLine:
    """Dates and the partner's own quantities; `rules` never offers more than was asked, so no stock level shows."""
    unit = promise.asked.unit
    return PartnerLine(
        **_head(promise),
        schedule=_partner_schedule(promise.schedule, unit, plants),
        limiting_factors=tuple(PartnerFactor(factor.code, _REASONS[factor.code]) for factor in promise.factors),
        alternatives=tuple(
            PartnerAlternative(
                rank,
                one.kind,
                summary(promise.asked, one, public_name(one.plant, plants)),
                _partner_schedule(one.schedule, unit, plants),
            )
            for rank, one in enumerate(promise.alternatives, 1)
        ),
        exceptions=tuple(map(for_partner, exceptions)),
    )


_REASONS = {"material": "not enough stock on the requested date", "capacity": "production capacity is loaded"}


def _head(promise: LinePromise) -> dict[str, Any]:
    asked, unit = promise.asked, promise.asked.unit
    rate = promise.fill_rate
    return {
        "line_id": asked.line_id,
        "status": promise.status,
        "requested": Requested(Quantity(tidy(asked.quantity), unit), asked.requested_date, asked.basis),
        "confirmed_quantity": _quantity(promise.confirmed, unit),
        "on_time_quantity": _quantity(promise.on_time, unit),
        "unconfirmed_quantity": _quantity(promise.unconfirmed, unit),
        "fill_rate": None if rate is None else tidy(rate),
        "uom_conversion": _conversion(promise.conversion),
        "substitute": promise.substitute,
    }


def _conversion(used: Conversion | None) -> UomConversion | None:
    """Shown where there is something to convert."""
    if used is None or not used.changes:
        return None
    return UomConversion(used.unit, used.base_unit, tidy(used.numerator), tidy(used.denominator))


def _quantity(amount: Decimal | None, unit: str) -> Quantity | None:
    return None if amount is None else Quantity(tidy(amount), unit)


def _internal_schedule(pieces: tuple[Piece, ...], unit: str) -> tuple[InternalSchedule, ...]:
    return tuple(InternalSchedule(**_piece(piece, unit), plant=PlantId(piece.plant)) for piece in pieces)


def _partner_schedule(pieces: tuple[Piece, ...], unit: str, plants: Mapping[str, Plant]) -> tuple[PartnerSchedule, ...]:
    return tuple(PartnerSchedule(**_piece(piece, unit), plant=public_name(piece.plant, plants)) for piece in pieces)


def _piece(piece: Piece, unit: str) -> dict[str, Any]:
    return {
        "quantity": Quantity(tidy(piece.quantity), unit),
        "ship_date": piece.ship,
        "delivery_date": piece.date,
        "supply": piece.supply,
        "firmness": piece.firmness,
        "confidence": piece.confidence,
        "source": piece.source,
    }
