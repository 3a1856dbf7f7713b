"""Keys that ended long ago are deleted; what was done with them and to them stays in the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.client_rows import next_revision
from policies.client_tables import api_key_uses, api_keys

MOST_AT_ONCE: Final = 1000
"""So that no one waits long for the turn to change keys; the rest goes another time."""


async def purge_keys(store: AsyncEngine, before: datetime, *, most: int = MOST_AT_ONCE) -> int:
    """Delete keys that expired or were revoked before then, with their last uses; how many those were.

    An ended key never comes back, so it is still one when the turn comes. The revision moves, so that every copy of the
    keys sees that there are fewer.
    """
    ended = or_(api_keys.c.expires_at < before, api_keys.c.revoked_at < before)
    async with store.connect() as connection:
        found = list(await connection.scalars(select(api_keys.c.key_id).where(ended).limit(most)))
    if not found:
        return 0
    async with store.begin() as connection:
        await next_revision(connection)
        await connection.execute(delete(api_key_uses).where(api_key_uses.c.key_id.in_(found)))
        gone = await connection.execute(delete(api_keys).where(api_keys.c.key_id.in_(found)))
    return gone.rowcount
