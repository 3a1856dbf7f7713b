"""What a client reads of an operation: one answer type for insiders, one for partners."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from math import ceil
from typing import Any

from process_apis.conversions import LineConversion
from process_apis.disclosure import PartnerException, PublicPlantName, Reader, for_partner, public_name
from process_apis.exceptions import ExceptionView
from process_apis.landscape import Plant
from process_apis.operations import (
    AT_REST,
    LineState,
    Operation,
    OperationLine,
    QuoteRef,
    SchedulePiece,
    State,
    Step,
    WaitingFor,
    WaitingReason,
    href_of,
    order_id_of,
)
from process_apis.promises import PromiseOutcome
from process_apis.remedies import with_remedies
from process_apis.words import Instant, Money, Quantity, View


class OperationView(View, frozen=True):
    """The monitor of an operation. `retryAfterSeconds` says when to look again, null when nothing moves by itself.

    `promise` compares what was promised before with what came of it, once there is an order, if one was presented.
    """

    operation_id: str
    href: str
    etag: str
    kind: str
    state: State
    quote: QuoteRef
    order_id: str | None
    steps: tuple[Step, ...]
    decide_by: Instant | None
    decision: str | None
    created_at: Instant
    updated_at: Instant
    correlation_id: str
    retry_after_seconds: int | None
    promise: PromiseOutcome | None


class InternalOperation(OperationView, frozen=True):
    """An operation with the names of our instances and plants."""

    waiting_for: WaitingFor | None
    lines: tuple[OperationLine, ...]
    exceptions: tuple[ExceptionView, ...]


class WaitingForSystem(View, frozen=True):
    """The kind of neighbour that is down or busy. Nothing is lost: it is asked again by itself.

    `endsAt` is the end of a maintenance window.
    """

    system: str
    since: Instant
    state: str = "waitingForSystem"
    reason: WaitingReason = "unavailable"
    ends_at: Instant | None = None


class PartnerOperationLine(View, frozen=True):
    """A line of the conversion, its plant by the public name. `quoted` and `priced` are net, `tax` comes on top of
    `priced`; where the material is sold in another unit, `ordered` is the quantity in that one."""

    line_id: str
    number: str
    product: str
    state: LineState
    requested: Quantity
    requested_date: date
    plant: PublicPlantName
    confirmed_quantity: Quantity
    schedule: tuple[SchedulePiece, ...]
    item: str | None
    quoted: Money | None
    priced: Money | None
    tax: Money | None
    ordered: Quantity | None
    uom_conversion: LineConversion | None


class PartnerOperation(OperationView, frozen=True):
    """An operation as a partner reads it: no instance names, plants by their public name."""

    waiting_for: WaitingForSystem | None
    lines: tuple[PartnerOperationLine, ...]
    exceptions: tuple[PartnerException, ...]


class InternalOperations(View, frozen=True):
    """Operations, newest first. `next` is the cursor of the following page, null on the last one."""

    operations: tuple[InternalOperation, ...]
    next: str | None


class PartnerOperations(View, frozen=True):
    """Operations, newest first. `next` is the cursor of the following page, null on the last one."""

    operations: tuple[PartnerOperation, ...]
    next: str | None


def internal_view(operation: Operation, steps: tuple[Step, ...], now: datetime) -> InternalOperation:
    return InternalOperation(
        **_head(operation, steps, now),
        waiting_for=operation.waiting_for,
        lines=operation.lines,
        exceptions=with_remedies(operation),
    )


def partner_view(
    operation: Operation, steps: tuple[Step, ...], now: datetime, plants: Mapping[str, Plant]
) -> PartnerOperation:
    return PartnerOperation(
        **_head(operation, steps, now),
        waiting_for=without_instance(operation.waiting_for),
        lines=tuple(_partner_line(line, plants) for line in operation.lines),
        exceptions=tuple(for_partner(one) for one in with_remedies(operation)),
    )


def view(
    operation: Operation, steps: tuple[Step, ...], now: datetime, reader: Reader
) -> InternalOperation | PartnerOperation:
    """The operation as this reader may see it."""
    if reader.disclosure == "internal":
        return internal_view(operation, steps, now)
    return partner_view(operation, steps, now, reader.plants)


def without_instance(waiting: WaitingFor | None) -> WaitingForSystem | None:
    if waiting is None:
        return None
    return WaitingForSystem(waiting.system, waiting.since, reason=waiting.reason, ends_at=waiting.ends_at)


def _head(operation: Operation, steps: tuple[Step, ...], now: datetime) -> dict[str, Any]:
    return {
        "operation_id": operation.operation_id,
        "href": href_of(operation.operation_id),
        "etag": operation.etag,
        "kind": operation.kind,
        "state": operation.state,
        "quote": QuoteRef(operation.quote_id, operation.quote_version, operation.quote_source),
        "order_id": order_id_of(operation),
        "steps": steps,
        "decide_by": operation.decide_by,
        "decision": operation.decision,
        "created_at": operation.created_at,
        "updated_at": operation.updated_at,
        "correlation_id": operation.correlation_id,
        "promise": operation.promise,
        "retry_after_seconds": _look_again(operation, now),
    }


def _partner_line(line: OperationLine, plants: Mapping[str, Plant]) -> PartnerOperationLine:
    return PartnerOperationLine(
        line_id=line.line_id,
        number=line.number,
        product=line.product,
        state=line.state,
        requested=line.requested,
        requested_date=line.requested_date,
        plant=public_name(line.plant, plants),
        confirmed_quantity=line.confirmed_quantity,
        schedule=line.schedule,
        item=line.item,
        quoted=line.quoted,
        priced=line.priced,
        tax=line.tax,
        ordered=line.ordered,
        uom_conversion=line.uom_conversion,
    )


def _look_again(operation: Operation, now: datetime) -> int | None:
    decided = operation.state == "awaitingDecision" and operation.decision is not None
    if operation.state in AT_REST and not decided:
        return None
    if operation.retry_at is None:
        return 1
    return max(1, ceil((operation.retry_at - now).total_seconds()))
