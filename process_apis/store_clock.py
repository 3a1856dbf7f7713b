"""The clock of the store: the one that all processes share which work on it. Their own may be minutes apart."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DateTime, func, select
from sqlalchemy.ext.asyncio import AsyncConnection


async def store_now(connection: AsyncConnection) -> datetime:
    """By this one is told whether something that another process has sent may still arrive somewhere.

    A SQLite file has one process, and its clock.
    """
    if connection.dialect.name != "postgresql":
        return datetime.now(UTC)
    told: datetime | None = await connection.scalar(select(func.clock_timestamp(type_=DateTime(timezone=True))))
    if told is None:
        raise LookupError("a server knows what time it is")
    return told.astimezone(UTC)
