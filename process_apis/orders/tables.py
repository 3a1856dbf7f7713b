"""What we know of an order that no system does: how often it was changed, and which line became which item."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from msgspec import Struct
from sqlalchemy import Column, CursorResult, Integer, String, Table, select, update
from sqlalchemy import insert as insert_into
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.operations import AT_REST, OperationLine
from process_apis.tables import metadata, operations

_lines = msgspec.json.Decoder(tuple[OperationLine, ...])

order_revisions = Table(
    "order_revisions",
    metadata,
    Column("order_id", String(80), primary_key=True),
    Column("revision", Integer, nullable=False),
)


class Maker(Struct, frozen=True):
    """The operation that made an order: of which quote, which line became which item, and whether it is still at it."""

    operation_id: str
    quote_id: str
    running: bool
    line_ids: dict[str, str]


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


async def maker_of(connection: AsyncConnection, instance: str, number: str) -> Maker | None:
    """None for an order that was not made here. The scheduler and the CRM know lines, not items."""
    made = operations.c
    found = await connection.execute(
        select(made.operation_id, made.quote_id, made.state, made.lines)
        .where(made.order_instance == instance, made.order_number == number)
        .limit(1)
    )
    row = found.one_or_none()
    if row is None:
        return None
    line_ids = {line.item: line.line_id for line in _lines.decode(row.lines) if line.item}
    return Maker(row.operation_id, row.quote_id, row.state not in AT_REST, line_ids)
