"""The whole public face on one page: each endpoint with what it asks of its caller."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from app.route import Route, route
from policies.sheet import guarded
from process_apis import errors
from process_apis.atp.models import AtpCheckRequest
from process_apis.atp.process import check_availability
from process_apis.operation_views import OperationView
from process_apis.operations import ENDED
from process_apis.order_change.models import MOVING, ChangeDecision, ChangeRequestBody, ChangeRequestView
from process_apis.order_change.process import decide_change, get_change_request, request_change
from process_apis.orders.process import get_order
from process_apis.outbox import list_events
from process_apis.quote_to_order.models import (
    CancelRequest,
    ConversionRequest,
    DecisionRequest,
    InlineConversionRequest,
)
from process_apis.quote_to_order.process import (
    cancel_operation,
    convert_inline_quote,
    convert_quote,
    decide_operation,
    get_operation,
    list_operations,
)
from process_apis.words import Word

ATP, OPERATIONS, ORDERS, EVENTS = "Promises", "Operations", "Orders", "Events"


A_WEEK = timedelta(days=7)
"""How long the answer to a call that makes or changes an order is kept for its repeats."""


class OperationQuery(Word, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 20
    cursor: Annotated[str, Meta(min_length=1, max_length=512, description="`next` of the page before.")] | None = None


class EventQuery(Word, frozen=True):
    after: Annotated[str, Meta(max_length=64, description="The id of the last event you have.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 100


def by_lines(request: AtpCheckRequest) -> int:
    """A check weighs as many units as it has lines."""
    return max(1, len(request.lines))


def by_outcome(operation: OperationView) -> int:
    """201 once there is an order and nothing more to do, 200 if it ended without one, 202 while it goes on."""
    if operation.state not in ENDED:
        return 202
    return 201 if operation.order_id else 200


def by_progress(change: ChangeRequestView) -> int:
    """202 while an accepted change is being committed."""
    return 202 if change.state in MOVING else 200


PUBLIC: tuple[Route, ...] = (
    route(
        "POST",
        "/v1/atp-checks",
        check_availability,
        guarded("atp:read", weight=by_lines),
        takes=AtpCheckRequest,
        operation_id="checkAvailability",
        summary="Can we promise this, when, and how sure are we?",
        description="What can be promised for each line: how much, on which days, from where, and how firm that is. "
        "Reserves nothing and stores nothing. The answer is 200 also when nothing is available; a line whose source "
        "is silent is `unknown`, never zero, and 503 comes only when no source answered at all. Keep `promiseToken`: "
        "it proves what was promised here.",
        tag=ATP,
        refuses=(errors.RequestFaulty, errors.NoSuchThing, errors.NoSourceAnswered),
    ),
    route(
        "POST",
        "/v1/quotes/{quoteId}/order-conversions",
        convert_quote,
        guarded("orders:write", once=True, kept=A_WEEK),
        takes=ConversionRequest,
        answers=by_outcome,
        statuses=(200, 201, 202),
        operation_id="convertQuote",
        summary="Turn a quote into exactly one order",
        description="Starts one conversion of the quote, or of the lines named, or says at once why not. 202: it is "
        "on its way, and `href` tells how far. With `Prefer: wait=N` the end may come within the call: 201 with an "
        "order, 200 if it ended without one. Repeat with the same key, never with a new one, if no answer comes.",
        tag=OPERATIONS,
        refuses=(
            errors.RequestFaulty,
            errors.QuoteNotConvertible,
            errors.QuoteVersionMoved,
            errors.LinesAlreadyConverted,
            errors.QuoteLinesOrdered,
            errors.QueueFull,
        ),
        monitor=("operation_id", get_operation),
    ),
    route(
        "POST",
        "/v1/order-conversions",
        convert_inline_quote,
        guarded("orders:write", once=True, kept=A_WEEK),
        takes=InlineConversionRequest,
        answers=by_outcome,
        statuses=(200, 201, 202),
        operation_id="convertInlineQuote",
        summary="Turn a quote that no CRM holds into exactly one order",
        description="For portals: customer, lines and prices come with the call, and go the same way as a quote of the "
        "CRM, under the same policies. The step `writeBack` is `skipped`. With a `quoteNumber` of your own a line of "
        "it becomes an order item once, whatever key the call has.",
        tag=OPERATIONS,
        refuses=(errors.RequestFaulty, errors.NoSuchThing, errors.LinesAlreadyConverted, errors.QueueFull),
        monitor=("operation_id", get_operation),
    ),
    route(
        "GET",
        "/v1/operations",
        list_operations,
        guarded("orders:read"),
        query=OperationQuery,
        operation_id="listOperations",
        summary="Your operations, newest first",
        tag=OPERATIONS,
        refuses=(errors.RequestFaulty,),
    ),
    route(
        "GET",
        "/v1/operations/{operationId}",
        get_operation,
        guarded("orders:read"),
        operation_id="getOperation",
        summary="How far an operation is",
        description="The operation with its lines, steps and exceptions. `retryAfterSeconds` says when to look again; "
        "it is null when nothing moves by itself: the operation has ended, or waits for a decision.",
        tag=OPERATIONS,
    ),
    route(
        "POST",
        "/v1/operations/{operationId}/decision",
        decide_operation,
        guarded("orders:write", once=True, if_match=True, kept=A_WEEK),
        takes=DecisionRequest,
        answers=by_outcome,
        statuses=(200, 201, 202),
        operation_id="decideOperation",
        summary="Accept or reject what an operation proposes",
        description="Possible while the operation is `awaitingDecision`, until `decideBy`.",
        tag=OPERATIONS,
        refuses=(errors.DecisionNotPossible,),
        monitor=("operation_id", get_operation),
    ),
    route(
        "POST",
        "/v1/operations/{operationId}/cancel",
        cancel_operation,
        guarded("orders:write", once=True),
        takes=CancelRequest,
        body_optional=True,
        operation_id="cancelOperation",
        summary="Stop an operation before there is an order",
        description="Possible until the order is being created; its quote lines may be converted again. Later only a "
        "change request on the order helps.",
        tag=OPERATIONS,
        refuses=(errors.DecisionNotPossible,),
    ),
    route(
        "GET",
        "/v1/orders/{orderId}",
        get_order,
        guarded("orders:read"),
        operation_id="getOrder",
        summary="One order as ERP, scheduler and CRM see it",
        description="Status, items, schedule and holds across the systems. A system that is silent leaves a gap, which "
        "`warnings` names; without the ERP there is no `etag`, and no change can be asked for.",
        tag=ORDERS,
        refuses=(errors.NoSourceAnswered,),
    ),
    route(
        "POST",
        "/v1/orders/{orderId}/change-requests",
        request_change,
        guarded("orders:write", once=True, if_match=True, kept=A_WEEK),
        takes=ChangeRequestBody,
        answers=201,
        operation_id="requestChange",
        summary="What would a change of the order cost, and what would it bring?",
        description="Simulates the wish in the ERP and the scheduler and proposes what comes of it, with the "
        "confirmations that it would give up (`lost`). Nothing is changed before the proposal is accepted, unless "
        "`commitIfClean` was asked for. Where a system that has to be asked is silent, nothing is stored. An order has "
        "one open change request at most.",
        tag=ORDERS,
        refuses=(errors.RequestFaulty, errors.ChangeRequestOpen, errors.OrderInTheMaking, errors.NoSourceAnswered),
    ),
    route(
        "GET",
        "/v1/orders/{orderId}/change-requests/{changeRequestId}",
        get_change_request,
        guarded("orders:read"),
        operation_id="getChangeRequest",
        summary="A change request as it stands",
        tag=ORDERS,
    ),
    route(
        "POST",
        "/v1/orders/{orderId}/change-requests/{changeRequestId}/decision",
        decide_change,
        guarded("orders:write", once=True, if_match=True, kept=A_WEEK),
        takes=ChangeDecision,
        answers=by_progress,
        statuses=(200, 202),
        operation_id="decideChange",
        summary="Accept a proposed change, turn it down, or take it back",
        description="An accepted proposal is committed if the order is still what it was based on; otherwise it comes "
        "back as `proposed` with the next `revision` and its `conflicts`. Look at it again, or wait with "
        "`Prefer: wait=N`.",
        tag=ORDERS,
        refuses=(errors.RequestFaulty, errors.DecisionNotPossible),
        monitor=("change_request_id", get_change_request),
    ),
    route(
        "GET",
        "/v1/events",
        list_events,
        guarded("orders:read"),
        query=EventQuery,
        operation_id="listEvents",
        summary="What happened since",
        description="CloudEvents that you may see, oldest first, each at least once. Send `next` of an answer as "
        "`after` of the following call. Events are kept for a while (90 days unless the operator says otherwise); who "
        "comes back later than that, and has missed some, is told so with 410 and begins anew without `after`.",
        tag=EVENTS,
        refuses=(errors.RequestFaulty, errors.EventsForgotten),
    ),
)
