"""A conversion that somebody or something ends before there is an order."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis import claimed_lines
from process_apis import operation_rows as rows
from process_apis.operations import Operation
from process_apis.quote_to_order.lines import without_promise


async def let_go(connection: AsyncConnection, operation: Operation, at: datetime) -> None:
    """Its quote lines may be converted again, and none of them reads confirmed any more, however it was proposed."""
    await claimed_lines.release(connection, operation.operation_id)
    await rows.change(connection, operation.operation_id, at, lines=without_promise(operation.lines))
