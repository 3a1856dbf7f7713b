"""What we know of an order that no system does: how often it was changed, and which line became which item."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from sqlalchemy import Column, CursorResult, Integer, String, Table, select, update
from sqlalchemy import insert as insert_into
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.operations import OperationLine
from process_apis.tables import metadata, operations

_lines = msgspec.json.Decoder(tuple[OperationLine, ...])

order_revisions = Table(
    "order_revisions",
    metadata,
    Column("order_id", String(80), primary_key=True),
    Column("revision", Integer, nullable=False),
)


async def own_revision(connection: AsyncConnection, order_id: str) -> int:
    """Our part of the order's version; 0 until something was committed to it through here."""
    held = order_revisions.c
    return int(await connection.scalar(select(held.revision).where(held.order_id == order_id)) or 0)


async def raise_revision(connection: AsyncConnection, order_id: str) -> None:
    """In the transaction of what was committed to the order. Only one change of an order commits at a time."""
    held = order_revisions.c
    raised = await connection.execute(
        update(order_revisions).where(held.order_id == order_id).values(revision=held.revision + 1)
    )
    if cast("CursorResult[Any]", raised).rowcount == 0:
        await connection.execute(insert_into(order_revisions).values(order_id=order_id, revision=1))


async def line_ids_of(connection: AsyncConnection, instance: str, number: str) -> dict[str, str]:
    """Our line of each ERP item, if the order was made here: the scheduler and the CRM know lines, not items."""
    made = operations.c
    found = await connection.scalars(
        select(made.lines).where(made.order_instance == instance, made.order_number == number)
    )
    return {line.item: line.line_id for lines in found for line in _lines.decode(lines) if line.item}
