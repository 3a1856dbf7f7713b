"""Remedies: the links of an exception that fix it, as long as they do. Pure; what operators can do beside it, the
internal door shows them.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from process_apis.exceptions import ExceptionView, Remedy, ended
from process_apis.operations import CANCELLABLE, ENDED, Operation, href_of, order_id_of

MOVABLE = frozenset({"availability", "price"})
"""What a change of the order can mend."""


def with_remedies(operation: Operation) -> tuple[ExceptionView, ...]:
    """The exceptions of a conversion, each with what its reader can do about it now."""
    return tuple(
        one if ended(one) else replace(one, remediation=tuple(_of_conversion(operation, one)))
        for one in operation.exceptions
    )


def of_change(exception: ExceptionView, href: str, state: str) -> ExceptionView:
    """An exception of a change request: it is decided on, or looked at."""
    if ended(exception):
        return exception
    looks = Remedy("readChangeRequest", href, "GET")
    return replace(
        exception,
        remediation=(Remedy("decide", f"{href}/decision", "POST"), looks) if state == "proposed" else (looks,),
    )


def _of_conversion(operation: Operation, exception: ExceptionView) -> Iterator[Remedy]:
    href, order_id = href_of(operation.operation_id), order_id_of(operation)
    if operation.state == "awaitingDecision" and operation.decision is None:
        yield Remedy("decide", f"{href}/decision", "POST")
    if operation.state in CANCELLABLE:
        yield Remedy("cancel", f"{href}/cancel", "POST")
    if operation.state in ENDED and _not_ordered(operation, exception):
        yield Remedy("convertAgain", _conversions_of(operation), "POST")
    elif order_id is not None:
        if operation.state in ENDED and exception.category in MOVABLE:
            yield Remedy("requestChange", f"/v1/orders/{order_id}/change-requests", "POST")
        yield Remedy("readOrder", f"/v1/orders/{order_id}", "GET")
    if operation.state not in ENDED:
        yield Remedy("watch", href, "GET")


def _not_ordered(operation: Operation, exception: ExceptionView) -> bool:
    """Whatever stands in its way, its line (or the whole of it) is free to be converted again."""
    if exception.line_id is None:
        return operation.order_number is None
    return any(line.line_id == exception.line_id and line.item is None for line in operation.lines)


def _conversions_of(operation: Operation) -> str:
    if operation.quote_source == "inline":
        return "/v1/order-conversions"
    return f"/v1/quotes/{operation.quote_id}/order-conversions"
