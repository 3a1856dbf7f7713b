"""The steps of an operation in the store: what a step was tried, when, and whether a write of its may be under way."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.tables import operation_steps


async def begin(connection: AsyncConnection, operation_id: str, name: str, system: str | None, at: datetime) -> None:
    """Count an attempt at a step."""
    again = await connection.execute(
        update(operation_steps)
        .where(operation_steps.c.operation_id == operation_id, operation_steps.c.name == name)
        .values(attempts=operation_steps.c.attempts + 1, ended_at=None, outcome=None, system=system)
    )
    if cast("CursorResult[Any]", again).rowcount == 0:
        position = select(func.count()).where(operation_steps.c.operation_id == operation_id).scalar_subquery()
        await connection.execute(
            insert(operation_steps).values(
                operation_id=operation_id, name=name, position=position, system=system, attempts=1, started_at=at
            )
        )


async def end(connection: AsyncConnection, operation_id: str, name: str, outcome: str, at: datetime) -> None:
    await _set(connection, operation_id, name, outcome=outcome, ended_at=at)


async def attempt_settles_at(connection: AsyncConnection, operation_id: str, name: str) -> datetime | None:
    """When looking up an earlier write of this step becomes conclusive; None if there was no such write."""
    return await connection.scalar(
        select(operation_steps.c.settled_at).where(
            operation_steps.c.operation_id == operation_id, operation_steps.c.name == name
        )
    )


async def set_attempt(
    connection: AsyncConnection, operation_id: str, name: str, *, at: datetime, settled_at: datetime
) -> None:
    """Remember, before it is sent, that a write is about to leave the house."""
    await _set(connection, operation_id, name, attempted_at=at, settled_at=settled_at)


async def set_settled(connection: AsyncConnection, operation_id: str, name: str, at: datetime) -> None:
    await _set(connection, operation_id, name, settled_at=at)


async def _set(connection: AsyncConnection, operation_id: str, name: str, **values: Any) -> None:
    await connection.execute(
        update(operation_steps)
        .where(operation_steps.c.operation_id == operation_id, operation_steps.c.name == name)
        .values(**values)
    )
