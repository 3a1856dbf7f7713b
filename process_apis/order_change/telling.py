"""Events about change requests."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.order_change.models import ChangeRequest
from process_apis.outbox import append_event


async def tell(connection: AsyncConnection, held: ChangeRequest, event: str) -> None:
    """Write an event about the request, in the transaction that changed it."""
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
        },
    )
