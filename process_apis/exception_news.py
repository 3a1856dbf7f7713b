"""What others hear of an exception: that it opened, and that it is over."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.exceptions import ExceptionState, ExceptionView, Subject
from process_apis.outbox import append_event

OPENED, RESOLVED = "exception.opened", "exception.resolved"


async def tell(
    connection: AsyncConnection,
    about: Subject,
    exception: ExceptionView,
    event: str,
    *,
    state: ExceptionState | None = None,
) -> None:
    """An event about the exception: what a partner may know of it, so without our instances and their words."""
    await append_event(
        connection,
        event,
        subject=exception.exception_id,
        customer=about.customer,
        correlation_id=about.correlation_id,
        traceparent=about.traceparent,
        data={
            "exceptionId": exception.exception_id,
            f"{about.kind}Id": about.ident,
            "orderId": about.order_id,
            "state": state or exception.state,
            "code": exception.code,
            "category": exception.category,
            "severity": exception.severity,
            "blocking": exception.blocking,
            "retryable": exception.retryable,
            "step": exception.step,
            "lineId": exception.line_id,
            "ownerRole": exception.owner.role,
            "dueAt": exception.due_at,
        },
    )
