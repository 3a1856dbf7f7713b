"""Quote lines in the store that belong to an operation: none of them becomes an order item twice."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.tables import converted_lines


async def claim(
    connection: AsyncConnection, quote_id: str, version: str, line_ids: Sequence[str], operation_id: str
) -> None:
    """Raises IntegrityError if one of the lines is held by another operation."""
    rows = [
        {"quote_id": quote_id, "quote_version": version, "line_id": line_id, "operation_id": operation_id}
        for line_id in line_ids
    ]
    await connection.execute(insert(converted_lines).values(rows))  # one statement, however many lines


async def holder_of(connection: AsyncConnection, quote_id: str, line_ids: Sequence[str]) -> str | None:
    """The operation that has one of these lines, at whatever version of the quote."""
    return await connection.scalar(
        select(converted_lines.c.operation_id)
        .where(
            converted_lines.c.quote_id == quote_id,
            converted_lines.c.line_id.in_(line_ids),
        )
        .limit(1)
    )


async def release(connection: AsyncConnection, operation_id: str, line_ids: Sequence[str] | None = None) -> None:
    """Let these lines (or all) of the operation be converted by another one."""
    chosen = converted_lines.c.line_id.in_(line_ids) if line_ids is not None else true()
    await connection.execute(delete(converted_lines).where(converted_lines.c.operation_id == operation_id, chosen))
