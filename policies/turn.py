"""One at a time: writers of a log whose order matters take turns, each until its transaction ends."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_TURN: Final = 0x6F757462  # any number, the same one everywhere
_TAKE: Final = text("SELECT pg_advisory_xact_lock(:turn)")
_TAKEN_IN: Final = "the turn was taken in"


async def take_turn(connection: AsyncConnection) -> None:
    """Wait for the turn and keep it until the commit; whoever has it already is asked nothing.

    Outbox and audit share one turn: with one each, two transactions that write both could wait for each other. Take it
    after the rows of the matter itself are written. SQLite has one writer anyway.
    """
    if connection.dialect.name != "postgresql":
        return
    transaction, held = connection.sync_connection and connection.sync_connection.get_transaction(), connection.info
    if held.get(_TAKEN_IN) is not transaction:
        await connection.execute(_TAKE, {"turn": _TURN})
        held[_TAKEN_IN] = transaction
