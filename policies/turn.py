"""One at a time: writers of a log whose order matters take turns, each until its transaction ends."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_TURN: Final = 0x6F757462  # any number, the same one everywhere


async def take_turn(connection: AsyncConnection) -> None:
    """Wait for the turn and keep it until the commit.

    Outbox and audit share one turn: with one each, two transactions that write both could wait for each other. Take it
    after the rows of the matter itself are written. SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
