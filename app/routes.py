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
from process_apis.operations import ENDED, OperationView
from process_apis.order_change.models import MOVING, ChangeDecision, ChangeRequestBody, ChangeRequestView
from process_apis.order_change.process import decide_change, get_change_request, request_change
from process_apis.orders.process import get_order
from process_apis.outbox import list_events
from process_apis.quote_to_order.models import CancelRequest, ConversionRequest, DecisionRequest
from process_apis.quote_to_order.process import (
    cancel_operation,
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
        tag=ATP,
        refuses=(errors.RequestFaulty, errors.NoSourceAnswered),
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
        tag=OPERATIONS,
        refuses=(
            errors.RequestFaulty,
            errors.QuoteNotConvertible,
            errors.QuoteVersionMoved,
            errors.LinesAlreadyConverted,
        ),
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
    ),
    route(
        "GET",
        "/v1/operations/{operationId}",
        get_operation,
        guarded("orders:read"),
        operation_id="getOperation",
        summary="How far an operation is",
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
        tag=OPERATIONS,
        refuses=(errors.DecisionNotPossible,),
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
        tag=ORDERS,
        refuses=(errors.RequestFaulty, errors.ChangeRequestOpen, errors.NoSourceAnswered),
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
        tag=ORDERS,
        refuses=(errors.RequestFaulty, errors.DecisionNotPossible),
    ),
    route(
        "GET",
        "/v1/events",
        list_events,
        guarded("orders:read"),
        query=EventQuery,
        operation_id="listEvents",
        summary="What happened since",
        tag=EVENTS,
        refuses=(errors.RequestFaulty,),
    ),
)
