"""Keys that ended long ago are deleted; what was done with them and to them stays in the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.client_rows import next_revision
from policies.client_tables import api_key_uses, api_keys
from policies.kept import Batch


async def purge_keys(connection: AsyncConnection, before: datetime, most: int) -> Batch:
    """Delete keys that expired or were revoked before then, with their last uses.

    An ended key never comes back. The revision moves, so that every copy of the keys sees that there are fewer.
    """
    found = list(await connection.scalars(select(api_keys.c.key_id).where(_ended(before)).limit(most)))
    if found:
        await next_revision(connection)
        await connection.execute(delete(api_key_uses).where(api_key_uses.c.key_id.in_(found)))
        await connection.execute(delete(api_keys).where(api_keys.c.key_id.in_(found)))
    return Batch(len(found), more=len(found) == most)


def due_keys(before: datetime) -> Select[Any]:
    return select(literal(1)).select_from(api_keys).where(_ended(before))


def _ended(before: datetime) -> ColumnElement[bool]:
    return or_(api_keys.c.expires_at < before, api_keys.c.revoked_at < before)
