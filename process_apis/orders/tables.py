"""What we know of an order that no system does: how often it was changed, and which line became which item."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from msgspec import Struct
from sqlalchemy import Column, CursorResult, Integer, String, Table, select, update
from sqlalchemy import insert as insert_into
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.conversions import LineConversion
from process_apis.operations import AT_REST, ENDED, OperationLine
from process_apis.tables import metadata, operations

_lines = msgspec.json.Decoder(tuple[OperationLine, ...])

order_revisions = Table(
    "order_revisions",
    metadata,
    Column("order_id", String(80), primary_key=True),
    Column("revision", Integer, nullable=False),
)


class Maker(Struct, frozen=True):
    """The operation that made an order: of which quote (`inline`: one that no CRM holds), and which line became which
    item. `running`: it is still at it; `unfinished`: it is, or will be once somebody has looked after it. `conversions`
    say, by item, how quantities of the quote became those of the order where their units differ."""

    operation_id: str
    quote_id: str
    running: bool
    line_ids: dict[str, str]
    unfinished: bool
    inline: bool
    conversions: dict[str, LineConversion]


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
        select(made.operation_id, made.quote_id, made.quote_source, made.state, made.lines)
        .where(made.order_instance == instance, made.order_number == number)
        .limit(1)
    )
    row = found.one_or_none()
    if row is None:
        return None
    ordered = [(line.item, line) for line in _lines.decode(row.lines) if line.item]
    line_ids = {item: line.line_id for item, line in ordered}
    return Maker(
        row.operation_id,
        row.quote_id,
        running=row.state not in AT_REST,
        line_ids=line_ids,
        unfinished=row.state not in ENDED,
        inline=row.quote_source == "inline",
        conversions={item: line.uom_conversion for item, line in ordered if line.uom_conversion},
    )


async def unfinished_maker(connection: AsyncConnection, reference: str) -> str | None:
    """The operation behind our reference in an order, if it has not ended: it may not know its order's number yet."""
    made = operations.c
    return await connection.scalar(
        select(made.operation_id).where(made.operation_id == reference, made.state.not_in(sorted(ENDED)))
    )
