"""The lines of a conversion as they are shown, and what of them goes back to the CRM. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from process_apis.exceptions import ExceptionView
from process_apis.operations import LineState, OperationLine, SchedulePiece
from process_apis.quote_to_order.models import Terms
from process_apis.quote_to_order.references import ZERO, Piece, line_state, total
from process_apis.quote_to_order.rules import Verdict
from process_apis.words import Money, Quantity, tidy
from system_apis.salesforce.models import ExceptionOutcome, LineOutcome, Quote, QuoteLine, QuoteOutcome
from system_apis.sap.models import Demand


def first_lines(quote: Quote, default_plant: str, today: date) -> tuple[OperationLine, ...]:
    """The lines as they stand when the conversion is received."""
    return tuple(
        _line(
            quote,
            line,
            plant=line.plant or default_plant,
            requested=max(line.requested_date or today, today),
            state="open",
            pieces=(),
        )
        for line in quote.lines
    )


def decided_lines(
    terms: Terms, shown: Sequence[OperationLine], verdict: Verdict, currency: str
) -> tuple[OperationLine, ...]:
    """The lines with what was decided on them."""
    plans = {plan.line_id: plan for plan in verdict.lines}
    quoted = {line.line_id: line for line in terms.quote.lines}
    lines = []
    for line in shown:
        plan = plans[line.line_id]
        lines.append(
            _line(
                terms.quote,
                quoted[line.line_id],
                plant=line.plant,
                requested=line.requested_date,
                state=plan.state,
                pieces=plan.pieces,
                priced=None if plan.price is None else Money(tidy(plan.price), currency),
            )
        )
    return tuple(lines)


def with_items(
    shown: Sequence[OperationLine], items: Mapping[str, str], *, held: bool = False
) -> tuple[OperationLine, ...]:
    return tuple(
        replace(line, item=items.get(line.line_id), state="hold" if held and line.line_id in items else line.state)
        for line in shown
    )


def with_dates(
    shown: Sequence[OperationLine],
    demands: Sequence[Demand],
    pieces: Mapping[str, tuple[Piece, ...]],
    *,
    held: bool = False,
) -> tuple[OperationLine, ...]:
    """The lines with what the order and the plan really hold for them. `held`: the ERP holds the delivery back."""
    wanted = {demand.line_id: demand for demand in demands}
    return tuple(
        replace(
            line,
            state="hold"
            if held
            else line_state(wanted[line.line_id].quantity, line.requested_date, pieces[line.line_id]),
            confirmed_quantity=Quantity(tidy(total(pieces[line.line_id])), line.requested.unit),
            schedule=_schedule(pieces[line.line_id], line.requested.unit),
        )
        if line.line_id in pieces
        else line
        for line in shown
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
    days = [one.confirmed_date for one in outcomes if one.confirmed_date]
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
        )
        for one in met
    )


def _line_outcome(line: OperationLine) -> LineOutcome:
    """What the ERP holds back is no promise: the CRM gets no quantity and no day to pass on."""
    promised = line.item is not None and line.state != "hold"
    return LineOutcome(
        line_id=line.line_id,
        state=line.state,
        item=line.item,
        confirmed_quantity=line.confirmed_quantity.value if promised else None,
        confirmed_date=max((one.delivery_date for one in line.schedule), default=None) if promised else None,
    )


def _line(
    quote: Quote,
    line: QuoteLine,
    *,
    plant: str,
    requested: date,
    state: LineState,
    pieces: tuple[Piece, ...],
    priced: Money | None = None,
) -> OperationLine:
    return OperationLine(
        line_id=line.line_id,
        number=line.number,
        product=line.material,
        state=state,
        requested=Quantity(tidy(line.quantity), line.unit),
        requested_date=requested,
        plant=plant,
        confirmed_quantity=Quantity(tidy(total(pieces)) if pieces else ZERO, line.unit),
        schedule=_schedule(pieces, line.unit),
        quoted=Money(tidy(line.unit_price * line.quantity), quote.currency),
        priced=priced,
    )


def _schedule(pieces: Sequence[Piece], unit: str) -> tuple[SchedulePiece, ...]:
    ordered = sorted(pieces, key=lambda piece: (piece.date, piece.source))
    return tuple(SchedulePiece(Quantity(tidy(piece.quantity), unit), piece.date, piece.source) for piece in ordered)
