"""Clients and keys in a gateway that is put together, without its doors: what it does beside its calls."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
from sqlalchemy import DDL, make_url

from app.database import make_engine, migrate
from app.health import Meters
from app.outside import Outside
from app.parts import assemble
from policies.client_rows import keys_of, next_revision, put_client, put_key
from policies.clients import Client
from process_apis.retention.process import forget
from tests.integration.app.conftest import settings_in, silent_neighbours
from tests.integration.app.problems import problem
from tests.integration.credentials.conftest import Replica, opened_replica

EAST = Client("dealer-east", "East", "partner", frozenset({"atp:read"}), managed_by="api")


async def test_a_change_is_heard_of_although_no_connection_is_free(tmp_path: Path, store_url: str) -> None:
    """Otherwise a gateway under load would go on with revoked keys, unheard, until its copy is too old."""
    outside = Outside(transport=httpx.MockTransport(silent_neighbours().async_handler))
    parts = assemble(settings_in(tmp_path, ORDERGATE_DATABASE_URL=store_url), outside, Meters())
    elsewhere = make_engine(store_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(elsewhere.dispose)
        stack.push_async_callback(parts.engine.dispose)
        await migrate(elsewhere)
        await stack.enter_async_context(parts.gatehouse.open())
        for _ in range(parts.engine.pool.size() + max(0, parts.engine.pool._max_overflow)):  # type: ignore[attr-defined]
            await stack.enter_async_context(parts.engine.connect())
        async with elsewhere.begin() as connection:
            await put_client(connection, EAST, await next_revision(connection), datetime.now(UTC))
        async with asyncio.timeout(1):
            await parts.gatehouse.directory.look_again()
        assert parts.gatehouse.directory.find("dealer-east") == EAST


async def test_keys_that_ended_long_ago_are_tidied_away(tmp_path: Path, store_url: str) -> None:
    now = datetime.now(UTC)
    outside = Outside(transport=httpx.MockTransport(silent_neighbours().async_handler), now=lambda: now)
    parts = assemble(settings_in(tmp_path, ORDERGATE_DATABASE_URL=store_url), outside, Meters())
    making = parts.gatehouse.making
    keys = [
        making.make("dealer-north", "x", frozenset(), now=now, expires_at=now - timedelta(days=ago))[0]
        for ago in (89, 91)
    ]
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.engine.dispose)
        await migrate(parts.engine)
        await stack.enter_async_context(parts.gatehouse.open())
        async with parts.engine.begin() as connection:
            for key in keys:
                await put_key(connection, key, await next_revision(connection))
        (of_keys,) = (kept for kept in parts.housekeeping.kinds if kept.kind == "apiKeys")
        await forget(parts.engine, [of_keys], lambda: now)
        async with parts.engine.connect() as connection:
            assert [key for key, _ in await keys_of(connection)] == keys[:1]


def tell(server: str, setting: str) -> None:
    address = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {setting}")
        connection.execute("SELECT pg_reload_conf()")


async def registered(replica: Replica) -> httpx.Response:
    entry = {"clientId": f"c-{uuid.uuid4()}", "name": "x", "kind": "partner", "scopes": ["atp:read"]}
    return await replica.post("/clients", entry)


async def test_a_server_that_became_a_standby_is_one_that_does_not_answer(tmp_path: Path, postgres: str) -> None:
    """After a failover connections may lead to it: it reads, and writes nothing. That ends by itself."""
    async with opened_replica(tmp_path, ORDERGATE_DATABASE_URL=postgres) as replica, asyncio.timeout(20):
        tell(postgres, "on")
        try:
            while (refused := await registered(replica)).status_code == 201:
                pass
            problem(refused, 503, "store-unavailable")
        finally:
            tell(postgres, "off")
        while (made := await registered(replica)).status_code != 201:
            problem(made, 503, "store-unavailable")


async def test_what_goes_wrong_with_one_batch_of_uses_ends_no_later_one(tmp_path: Path, store_url: str) -> None:
    outside = Outside(transport=httpx.MockTransport(silent_neighbours().async_handler))
    gate = assemble(settings_in(tmp_path, ORDERGATE_DATABASE_URL=store_url), outside, Meters()).gatehouse
    now = datetime.now(UTC)
    key, text = gate.making.make("dealer-north", "x", frozenset(), now=now, expires_at=now + timedelta(days=1))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(gate.store.dispose)
        await migrate(gate.store)
        await stack.enter_async_context(gate.open())
        async with gate.store.begin() as connection:
            await put_key(connection, key, await next_revision(connection))
        await gate.holders.holder(text)
        async with gate.store.begin() as connection:
            await connection.execute(DDL("ALTER TABLE api_key_uses RENAME TO elsewhere"))
        await gate.write_uses()
        async with gate.store.begin() as connection:
            await connection.execute(DDL("ALTER TABLE elsewhere RENAME TO api_key_uses"))
        await gate.write_uses()
        async with gate.store.connect() as connection:
            ((_, used_at),) = await keys_of(connection)
        assert used_at is not None
