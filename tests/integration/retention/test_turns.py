"""Whose turn it is: one replica forgets at a time, the pace is that of all together, and nothing is told twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.database import make_engine
from policies.audit_tables import audit_entries
from policies.kept import Batch, Kept
from process_apis.retention import process
from process_apis.retention.ended import due_operations, purge_operations
from process_apis.retention.process import REST, forget, forget_some
from process_apis.retention.tables import retention
from process_apis.tables import operations
from tests.integration.retention.past import NOW, count, due_at_once, operation, total

DAYS = timedelta(days=10)


def now() -> datetime:
    return NOW


def operations_kept(most: int = 3) -> Kept:
    return Kept("operations", DAYS, purge_operations, due_operations, most)


async def entries(store: AsyncEngine) -> list[str]:
    async with store.connect() as connection:
        asked = select(audit_entries.c.after).where(audit_entries.c.act == "retention.purge")
        return [str(one) for one in await connection.scalars(asked.order_by(audit_entries.c.sequence))]


async def test_two_replicas_forget_everything_once_and_count_it_once(store: AsyncEngine) -> None:
    for _ in range(20):
        await operation(store, ended=11)
    await operation(store, ended=9)
    other = make_engine(store.url.render_as_string(hide_password=False))
    at_work = most = 0
    kept = operations_kept()

    async def watched(connection: AsyncConnection, before: datetime, at_once: int) -> Batch:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0)
        batch = await purge_operations(connection, before, at_once)
        at_work -= 1
        return batch

    kinds = [Kept(kept.kind, DAYS, watched, due_operations, kept.most)]
    await forget_some(store, kinds[0], now)
    while await count(store, operations) > 1:
        await due_at_once(store)
        await asyncio.gather(*(forget_some(each, kinds[0], now) for each in (store, other) * 3))
    await other.dispose()
    assert most == 1
    assert await total(store, "rows_purged", kind="operations") == 20


async def test_a_batch_is_followed_by_a_pause_and_the_last_one_by_a_rest(store: AsyncEngine) -> None:
    for _ in range(4):
        await operation(store, ended=11)
    pause = await forget_some(store, operations_kept(), now)
    assert pause is not None
    assert timedelta(seconds=process.SHORTEST_S) <= pause <= timedelta(seconds=process.LONGEST_S)
    assert await forget_some(store, operations_kept(), now) is None  # too early, by the store's clock
    assert await count(store, operations) == 1
    await due_at_once(store)
    assert await forget_some(store, operations_kept(), now) is None
    assert await count(store, operations) == 0
    async with store.connect() as connection:
        next_at = await connection.scalar(select(retention.c.next_at))
    assert next_at is not None
    assert REST - timedelta(minutes=1) < next_at - datetime.now(UTC) <= REST


async def test_a_batch_that_fails_forgets_nothing_and_the_turn_comes_again(store: AsyncEngine) -> None:
    await operation(store, ended=11)

    async def breaks(connection: AsyncConnection, before: datetime, most: int) -> Batch:
        await purge_operations(connection, before, most)
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError, match="killed here"):
        await forget_some(store, Kept("operations", DAYS, breaks, due_operations), now)
    assert await count(store, operations) == 1
    assert await total(store, "rows_purged", kind="operations") == 0
    await forget_some(store, operations_kept(), now)
    assert (await count(store, operations), await total(store, "rows_purged", kind="operations")) == (0, 1)


async def test_the_audit_hears_of_it_once_at_the_end_and_then_once_a_day(store: AsyncEngine) -> None:
    for _ in range(7):
        await operation(store, ended=11)
    await forget(store, [operations_kept()], now)
    assert [one.partition(",")[0] for one in await entries(store)] == ['{"purged":7']
    await operation(store, ended=11)
    await due_at_once(store)
    await forget(store, [operations_kept()], now)
    assert (len(await entries(store)), await count(store, operations)) == (1, 0)
    async with store.begin() as connection:
        await connection.execute(retention.update().values(told_at=datetime.now(UTC) - timedelta(days=2)))
    await due_at_once(store)
    await forget(store, [operations_kept()], now)
    assert [one.partition(",")[0] for one in await entries(store)] == ['{"purged":7', '{"purged":1']


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
async def test_a_turn_that_somebody_holds_is_not_waited_for(store: AsyncEngine) -> None:
    """On a server, where there may be somebody else: frozen, say, in the middle of a batch."""
    await operation(store, ended=11)
    await forget_some(store, Kept("operations", timedelta(days=100), purge_operations, due_operations), now)
    await due_at_once(store)
    async with store.begin() as connection:
        await connection.execute(select(retention).with_for_update())
        assert await asyncio.wait_for(forget_some(store, operations_kept(), now), 2) is None
    assert await count(store, operations) == 1
