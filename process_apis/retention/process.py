"""Forgetting, batch by batch: small transactions with pauses, so that no call ever waits for what nobody misses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.kept import MOST_COUNTED, Kept, count_due
from process_apis.caller import Caller
from process_apis.figures import names
from process_apis.figures.process import figures_now
from process_apis.retention import turns
from process_apis.retention.models import KeptKind, Retention
from process_apis.retention.tables import retention

REST: Final = timedelta(minutes=10)
"""Until a kind of which nothing is left to go is looked at again."""
SHARE: Final = 4
"""A batch is followed by a pause of so many times its own length: the slower the store, the less is asked of it."""
SHORTEST_S, LONGEST_S = 0.1, 10.0


async def forget_some(store: AsyncEngine, kept: Kept, now: Callable[[], datetime]) -> timedelta | None:
    """One batch of a kind, if it is due and nobody else is at it. The pause before the next; None: that is far off."""
    async with store.begin() as connection:
        at = await turns.take(connection, kept.kind)
        if at is None:
            return None
        began, before = monotonic(), now() - kept.kept_for
        batch = await kept.purge(connection, before, kept.most)
        pause = _pause(monotonic() - began) if batch.more else REST
        await turns.note(connection, kept.kind, batch.gone, now=at, next_at=at + pause)
        if not batch.more:
            await turns.tell(connection, kept.kind, now=at, before=before)
    return pause if batch.more else None


async def forget(store: AsyncEngine, kinds: Sequence[Kept], now: Callable[[], datetime]) -> None:
    """Whatever is due, one batch of each kind in turn, until nothing is left for us to do."""
    left = list(kinds)
    while left:
        pauses = {kept.kind: await forget_some(store, kept, now) for kept in left}
        left = [kept for kept in left if pauses[kept.kind] is not None]
        await asyncio.sleep(max((pause.total_seconds() for pause in pauses.values() if pause), default=0.0))


async def show_retention(
    _caller: Caller,
    _request: None,
    *,
    store: AsyncEngine,
    kinds: Sequence[Kept],
    now: Callable[[], datetime],
    days: int | None = None,
) -> Retention:
    """What is kept for how long, what has gone, and what would go now. Nothing goes by asking."""
    figures = await figures_now(store)
    gone = {one.labels["kind"]: int(one.value) for one in figures.totals if one.name == names.PURGED.name}
    shown = []
    async with store.connect() as connection:
        last = {row.kind: row.purged_at for row in await connection.execute(select(retention))}
        for kept in kinds:
            by_days = kept.kept_for > timedelta(0)
            kept_for = timedelta(days=days) if days is not None and by_days else kept.kept_for
            due = await count_due(connection, kept, now() - kept_for)
            shown.append(
                KeptKind(
                    kind=kept.kind,
                    kept_days=kept_for.days if by_days else None,
                    due=due,
                    more_due=due >= MOST_COUNTED,
                    purged=gone.get(kept.kind, 0),
                    purged_at=last.get(kept.kind),
                )
            )
    return Retention(tuple(shown))


def _pause(took_s: float) -> timedelta:
    return timedelta(seconds=min(max(took_s * SHARE, SHORTEST_S), LONGEST_S))
