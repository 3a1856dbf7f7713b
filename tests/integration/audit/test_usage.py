"""Who calls what, counted in memory by several replicas and added up in the store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import make_engine
from policies.errors import StoreUnavailable
from policies.usage import Usage, purge_usage
from tests.purging import purged

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVENTS, CHECKS = "GET /v1/events", "POST /v1/atp-checks"


async def test_replicas_add_up_what_each_of_them_counted(store: AsyncEngine) -> None:
    other = make_engine(store.url.render_as_string(hide_password=False))
    replicas = [Usage(store), Usage(other)]
    for number, replica in enumerate(replicas):
        for client in ("south", "north")[:: 1 - 2 * number]:  # counted in opposite orders, locked in one
            for _ in range(50):
                replica.count(client, EVENTS, AT + timedelta(minutes=number))
        replica.count("north", CHECKS, AT)
    await asyncio.gather(*(replica.write() for replica in replicas))
    await replicas[0].write()
    last = AT + timedelta(minutes=1)
    counted = await replicas[1].since(AT.date())
    assert {(client, operation): calls for client, operation, calls, _ in counted} == {
        ("north", EVENTS): 100,
        ("south", EVENTS): 100,
        ("north", CHECKS): 2,
    }
    assert counted[0][3] in (AT, last)
    await other.dispose()


async def test_days_that_are_long_over_are_forgotten(store: AsyncEngine) -> None:
    usage = Usage(store)
    usage.count("north", EVENTS, AT - timedelta(days=31))
    usage.count("north", EVENTS, AT)
    await usage.write()
    assert await purged(store, purge_usage, AT - timedelta(days=30)) == 1
    assert [calls for _, _, calls, _ in await usage.since(AT.date() - timedelta(days=60))] == [1]


async def test_what_cannot_be_written_stays_counted() -> None:
    usage = Usage(make_engine("postgresql+psycopg://nobody@127.0.0.1:9/nowhere"))
    usage.count("north", EVENTS, AT)
    with pytest.raises(StoreUnavailable):
        await usage.write()
    usage.count("north", EVENTS, AT)
    assert usage._calls["north", EVENTS, AT.date()] == 2
