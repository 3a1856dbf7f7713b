"""One at a time: whoever has a kind's row locked forgets one batch of it, in the same transaction.

So of any number of replicas one forgets at a time, all of them together keep the pace that the row sets, and one that
is killed in the middle has forgotten nothing. The turn passes to another replica with every batch, or stays.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.audit import SYSTEM, Act, record
from process_apis.figures import names
from process_apis.figures.counting import addition
from process_apis.figures.fold import add
from process_apis.retention.tables import retention
from process_apis.store_clock import store_now
from process_apis.words import new_id

ACT: Final = "retention.purge"
TOLD_EVERY: Final = timedelta(days=1)
"""The audit hears of what went once a day, and of the first time at once."""
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_turns = retention.c


async def take(connection: AsyncConnection, kind: str) -> datetime | None:
    """The time, by the store's clock, if a batch of this kind is due and nobody else is at it."""
    now = await store_now(connection)
    mine = select(_turns.next_at).where(_turns.kind == kind)
    if await connection.scalar(mine) is None:
        begun = _insert(connection)(retention).values(kind=kind, next_at=_BEGINNING, untold=0)
        await connection.execute(begun.on_conflict_do_nothing())
    next_at = await connection.scalar(mine.with_for_update(skip_locked=True))
    return now if next_at is not None and next_at <= now else None


async def note(connection: AsyncConnection, kind: str, gone: int, *, now: datetime, next_at: datetime) -> None:
    """In the transaction that forgot so many, after them: what went, and when it is the next one's turn."""
    values: dict[str, Any] = {"next_at": next_at}
    if gone:
        values |= {"purged_at": now, "untold": _turns.untold + gone}
        await add(connection, [addition(names.PURGED, gone, kind=kind)])
    await connection.execute(update(retention).where(_turns.kind == kind).values(values))


async def tell(connection: AsyncConnection, kind: str, *, now: datetime, before: datetime) -> None:
    """What went since the last entry, as an entry of the audit; seldom enough that the audit is not full of it."""
    held = (await connection.execute(select(retention).where(_turns.kind == kind))).one()
    if held.untold == 0 or (held.told_at is not None and now - held.told_at < TOLD_EVERY):
        return
    await connection.execute(update(retention).where(_turns.kind == kind).values(untold=0, told_at=now))
    act = Act(
        act=ACT,
        client_id="ordergate",
        credential=SYSTEM,
        subject=f"retention:{kind}",
        outcome="done",
        correlation_id=new_id("cor"),
        after={"purged": held.untold, "endedBefore": before.isoformat()},
    )
    await record(connection, act, now)


def _insert(connection: AsyncConnection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
