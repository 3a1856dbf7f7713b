"""Events about change requests, and what the audit keeps of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.order_change.entries import record_outcome
from process_apis.order_change.models import ChangeRequest
from process_apis.outbox import append_event


async def tell(connection: AsyncConnection, held: ChangeRequest, event: str, **more: Any) -> None:
    """Write an event about the request, and what came of it into the audit, in the transaction that changed it.

    `more` are further members of the event.
    """
    await append_event(
        connection,
        event,
        subject=held.change_request_id,
        customer=held.customer,
        correlation_id=held.correlation_id,
        traceparent=held.traceparent,
        data={
            "changeRequestId": held.change_request_id,
            "orderId": held.order_id,
            "state": held.state,
            "revision": held.revision,
            **more,
        },
    )
    await record_outcome(connection, held, event, datetime.now(UTC))
