"""The lines of a conversion as they are shown, and what of them goes back to the CRM. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from process_apis.calendars import TodayAt
from process_apis.conversions import LineConversion, back
from process_apis.exceptions import ExceptionView
from process_apis.operations import OperationLine, SchedulePiece
from process_apis.quote_to_order.references import ZERO, Piece, Resolved, line_state, total, wanted_on
from process_apis.quote_to_order.rules import LinePlan, Verdict
from process_apis.words import Money, Quantity, tidy
from system_apis.salesforce.models import ExceptionOutcome, LineOutcome, Quote, QuoteLine, QuoteOutcome
from system_apis.sap.models import Demand

COMPLETE = ("confirmed", "confirmedLate")
"""Lines of which all is there on some day."""


def first_lines(quote: Quote, default_plant: str, today_at: TodayAt) -> tuple[OperationLine, ...]:
    """The lines as they stand when the conversion is received."""
    return tuple(
        OperationLine(
            line_id=line.line_id,
            number=line.number,
            product=line.material,
            state="open",
            requested=Quantity(tidy(line.quantity), line.unit),
            requested_date=wanted_on(line, today_at(line.plant or default_plant)),
            plant=line.plant or default_plant,
            confirmed_quantity=Quantity(ZERO, line.unit),
            quoted=_quoted(line, quote.currency),
        )
        for line in quote.lines
    )


def _quoted(line: QuoteLine, currency: str) -> Money | None:
    return None if line.unit_price is None else Money(tidy(line.unit_price * line.quantity), currency)


def decided_lines(
    shown: Sequence[OperationLine], resolved: Resolved, verdict: Verdict, currency: str
) -> tuple[OperationLine, ...]:
    """The lines with what was decided on them."""
    demands = {demand.line_id: demand for demand in resolved.demands}
    plans = {plan.line_id: plan for plan in verdict.lines}
    return tuple(
        _decided(
            line,
            plans[line.line_id],
            demands.get(line.line_id),
            resolved.conversions.get(line.line_id),
            currency,
        )
        for line in shown
    )


def _decided(
    line: OperationLine, plan: LinePlan, demand: Demand | None, by: LineConversion | None, currency: str
) -> OperationLine:
    unit = demand.unit if demand else line.requested.unit
    decided = replace(
        line,
        state=plan.state,
        confirmed_quantity=Quantity(tidy(plan.confirmed), unit),
        schedule=_schedule(plan.pieces, unit),
        item=None,
        priced=_money(plan.price, currency),
        tax=_money(plan.tax, currency),
        ordered=Quantity(tidy(demand.quantity), unit) if demand and by else None,
        uom_conversion=by,
    )
    return _on_hold(decided) if plan.state == "hold" else decided


def _money(amount: Decimal | None, currency: str) -> Money | None:
    return None if amount is None else Money(tidy(amount), currency)


def with_items(
    shown: Sequence[OperationLine], items: Mapping[str, str], *, held: bool = False
) -> tuple[OperationLine, ...]:
    ordered = (replace(line, item=items.get(line.line_id)) for line in shown)
    return tuple(_on_hold(line) if held and line.item is not None else line for line in ordered)


def _on_hold(line: OperationLine) -> OperationLine:
    """The days that it would get stay; confirmed is nothing while the ERP holds it back."""
    return replace(line, state="hold", confirmed_quantity=Quantity(ZERO, line.confirmed_quantity.unit))


def with_dates(
    shown: Sequence[OperationLine],
    demands: Sequence[Demand],
    pieces: Mapping[str, tuple[Piece, ...]],
    *,
    held: bool = False,
) -> tuple[OperationLine, ...]:
    """The lines with what the order and the plan really hold for them. `held`: the ERP holds the delivery back."""
    wanted = {demand.line_id: demand for demand in demands}
    dated = (
        _dated(line, wanted[line.line_id], pieces[line.line_id]) if line.line_id in pieces else line for line in shown
    )
    return tuple(_on_hold(line) if held and line.line_id in pieces else line for line in dated)


def _dated(line: OperationLine, demand: Demand, pieces: Sequence[Piece]) -> OperationLine:
    return replace(
        line,
        state=line_state(demand.quantity, line.requested_date, pieces),
        confirmed_quantity=Quantity(tidy(total(pieces)), demand.unit),
        schedule=_schedule(pieces, demand.unit),
    )


def without_promise(shown: Sequence[OperationLine]) -> tuple[OperationLine, ...]:
    """The lines of a conversion that made no order."""
    nothing = {"state": "rejected", "schedule": (), "item": None}
    return tuple(replace(line, confirmed_quantity=Quantity(ZERO, line.requested.unit), **nothing) for line in shown)


def outcome_for_crm(
    heading: QuoteOutcome, lines: Sequence[OperationLine], order: tuple[str, str] | None
) -> QuoteOutcome:
    """`heading` with the lines, the order (instance and number), and the day on which all of it is there."""
    outcomes = tuple(_line_outcome(line) for line in lines)
    complete = all(line.state in COMPLETE for line in lines if line.item is not None)
    days = [one.confirmed_date for one in outcomes if one.confirmed_date] if complete else []
    instance, number = order or (None, None)
    return replace(
        heading,
        order_number=number,
        order_instance=instance,
        confirmed_date=max(days, default=None),
        lines=outcomes,
    )


def exceptions_for_crm(met: Sequence[ExceptionView]) -> tuple[ExceptionOutcome, ...]:
    """The exceptions of an operation as the people of the CRM read them."""
    return tuple(
        ExceptionOutcome(
            exception_id=one.exception_id,
            code=one.code,
            category=one.category,
            severity=one.severity,
            state=one.state,
            step=one.step,
            owner=one.owner.role,
            blocking=one.blocking,
            retryable=one.retryable,
            detail=one.detail,
            source_system=one.detected_by.system,
            source_instance=one.detected_by.instance,
            opened_at=one.opened_at,
            due_at=one.due_at,
            correlation_id=one.correlation_id,
            line_id=one.line_id,
            source_code=one.source_message.code if one.source_message else None,
            source_text=one.source_message.text if one.source_message else None,
            remediation="; ".join(f"{each.action}: {each.method} {each.href}" for each in one.remediation) or None,
        )
        for one in met
    )


def _line_outcome(line: OperationLine) -> LineOutcome:
    """What the ERP holds back is no promise: the CRM gets no quantity and no day to pass on. Its quantity has no unit
    of its own: it counts in the unit of the quote line."""
    promised = line.item is not None and line.state != "hold"
    return LineOutcome(
        line_id=line.line_id,
        state=line.state,
        item=line.item,
        confirmed_quantity=back(line.confirmed_quantity.value, line.uom_conversion) if promised else None,
        confirmed_date=max((one.delivery_date for one in line.schedule), default=None) if promised else None,
    )


def _schedule(pieces: Sequence[Piece], unit: str) -> tuple[SchedulePiece, ...]:
    ordered = sorted(pieces, key=lambda piece: (piece.date, piece.source))
    return tuple(SchedulePiece(Quantity(tidy(piece.quantity), unit), piece.date, piece.source) for piece in ordered)
