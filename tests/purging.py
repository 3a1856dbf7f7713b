"""Forgetting, as the turn of a kind does it: one batch, in a transaction of its own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from policies.kept import Purge


async def purged(store: AsyncEngine, purge: Purge, before: datetime, most: int = 1_000) -> int:
    """How many things one batch forgot."""
    async with store.begin() as connection:
        return (await purge(connection, before, most)).gone


async def all_purged(store: AsyncEngine, purge: Purge, before: datetime, most: int = 1_000) -> list[int]:
    """Batch after batch, until one says that there is no more: how many things each forgot."""
    went = []
    while True:
        async with store.begin() as connection:
            batch = await purge(connection, before, most)
        went.append(batch.gone)
        if not batch.more:
            return went
