"""What operators do at the internal door: look for what is stuck, work exceptions off, step in where nothing moves."""

from __future__ import annotations

from app.route import Route, route
from policies.sheet import guarded
from process_apis import errors
from process_apis.operating.exceptions import (
    acknowledge_exception,
    get_exception,
    list_exceptions,
    resolve_exception,
)
from process_apis.operating.looking import list_operated, show_operated
from process_apis.operating.models import (
    Because,
    ExceptionOutcome,
    ExceptionQuery,
    OperatedQuery,
    OperationOutcome,
)
from process_apis.operating.stepping_in import cancel_operation_by_hand, resolve_operation, retry_operation

OPERATING, EXCEPTIONS = "Operating", "Exceptions"
SEES = guarded("ops:read", kinds=("operator",), role=("operator", "auditor"))
ACTS = guarded("ops:write", kinds=("operator",), role="operator", once=True)
DECIDES = guarded("ops:write", kinds=("operator",), role="operator", once=True, if_match=True)
"""On something that others decide on too: by the version that was seen."""

OPERATOR_ROUTES: tuple[Route, ...] = (
    route(
        "GET",
        "/internal/v1/operations",
        list_operated,
        SEES,
        query=OperatedQuery,
        operation_id="listOperatedOperations",
        summary="What is under way, and what stands in its way",
        tag=OPERATING,
        refuses=(errors.RequestFaulty,),
    ),
    route(
        "GET",
        "/internal/v1/operations/{operationId}",
        show_operated,
        SEES,
        operation_id="showOperation",
        summary="All about one operation, and what can be done now",
        tag=OPERATING,
    ),
    route(
        "POST",
        "/internal/v1/operations/{operationId}/retry",
        retry_operation,
        DECIDES,
        takes=Because,
        operation_id="retryOperation",
        summary="Have it tried again, from where it stopped",
        tag=OPERATING,
        refuses=(errors.DecisionNotPossible,),
    ),
    route(
        "POST",
        "/internal/v1/operations/{operationId}/resolve",
        resolve_operation,
        DECIDES,
        takes=OperationOutcome,
        operation_id="resolveOperation",
        summary="Say what became of it",
        description="Possible while it is `actionRequired`. `orderFound` goes on with the order that the ERP has, once "
        "it is sure that it carries this operation's reference and customer; `noOrder` ends it as rejected, if "
        "the ERP really has none; `doneByHand` closes it without asking anybody; `notDone` ends a change request whose "
        "change is not in the ERP.",
        tag=OPERATING,
        refuses=(errors.RequestFaulty, errors.DecisionNotPossible),
    ),
    route(
        "POST",
        "/internal/v1/operations/{operationId}/cancel",
        cancel_operation_by_hand,
        ACTS,
        takes=Because,
        operation_id="cancelOperationByHand",
        summary="Stop it before there is an order",
        tag=OPERATING,
        refuses=(errors.DecisionNotPossible,),
    ),
    route(
        "GET",
        "/internal/v1/exceptions",
        list_exceptions,
        SEES,
        query=ExceptionQuery,
        operation_id="listExceptions",
        summary="What has to be worked off, the most urgent first",
        tag=EXCEPTIONS,
        refuses=(errors.RequestFaulty,),
    ),
    route(
        "GET",
        "/internal/v1/exceptions/{exceptionId}",
        get_exception,
        SEES,
        operation_id="getException",
        summary="One exception",
        tag=EXCEPTIONS,
    ),
    route(
        "POST",
        "/internal/v1/exceptions/{exceptionId}/ack",
        acknowledge_exception,
        ACTS,
        takes=Because,
        operation_id="acknowledgeException",
        summary="Take care of it",
        tag=EXCEPTIONS,
        refuses=(errors.DecisionNotPossible,),
    ),
    route(
        "POST",
        "/internal/v1/exceptions/{exceptionId}/resolve",
        resolve_exception,
        DECIDES,
        takes=ExceptionOutcome,
        operation_id="resolveException",
        summary="End it",
        tag=EXCEPTIONS,
        refuses=(errors.DecisionNotPossible,),
    ),
)
