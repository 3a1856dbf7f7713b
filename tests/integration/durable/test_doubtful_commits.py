"""Steps on a real PostgreSQL whose transaction ended otherwise than it was seen to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import Store, make_engine, migrate
from policies.punctual import take_your_time
from process_apis.durable import Durable
from process_apis.words import new_id
from tests.integration.durable.test_durable import until
from tests.postgres import postgres  # noqa: F401  a fixture

STATUS = text("SELECT status FROM dbos.workflow_status WHERE workflow_uuid = :one")
SLOW_COMMITS = (
    "CREATE TABLE deeds (operation TEXT, deed TEXT)",
    "CREATE FUNCTION rest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON deeds DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW WHEN (NEW.deed = 'slow') EXECUTE FUNCTION rest()",
)


@pytest.fixture
async def store(postgres: str) -> AsyncIterator[Store]:  # noqa: F811
    store = make_engine(postgres)
    await migrate(store)
    async with store.begin() as connection:
        if await connection.scalar(text("SELECT to_regclass('deeds')")) is None:
            for statement in SLOW_COMMITS:
                await connection.execute(text(statement))
    yield store
    await store.dispose()


@asynccontextmanager
async def launched(url: str, body: Callable[[Durable, str], Awaitable[None]]) -> AsyncIterator[Durable]:
    durable = Durable(url)
    durable.workflow("weigh", lambda operation_id: body(durable, operation_id))
    await durable.launch()
    try:
        yield durable
    finally:
        await durable.close()


async def write(connection: AsyncConnection, operation: str, deed: str) -> None:
    await connection.execute(text("INSERT INTO deeds VALUES (:operation, :deed)"), {"operation": operation, "deed": deed})


async def test_a_commit_that_outlives_its_caller_is_waited_for_and_its_step_not_done_again(
    store: Store,
    postgres: str,  # noqa: F811
) -> None:
    """The server was slow to commit (a frozen disk, a standby that has to confirm) and did so after we gave up."""
    operation, results, tries = new_id("op"), [], 0

    async def body(durable: Durable, operation_id: str) -> None:
        async def deed() -> str:
            nonlocal tries
            tries += 1
            async with store.begin() as connection:
                await write(connection, operation_id, "slow" if tries == 1 else "again")
                await durable.remember(connection, f"try {tries}")
                if tries == 1:
                    await take_your_time(connection, answer_s=0.3)
            return f"try {tries}"

        results.append(await durable.step("deed", deed, str))

    async with launched(postgres, body) as durable:
        await durable.start_once("weigh", operation)
        await until(durable, operation)
    async with store.connect() as connection:
        assert await connection.scalar(STATUS, {"one": operation}) == "SUCCESS"
        deeds = await connection.scalars(text("SELECT deed FROM deeds WHERE operation = :one"), {"one": operation})
        assert list(deeds) == ["slow"]
    assert results == ["try 1"]


async def test_a_transaction_that_the_server_forgot_while_we_were_frozen_is_done_again(
    store: Store,
    postgres: str,  # noqa: F811
) -> None:
    operation, results, tries = new_id("op"), [], 0

    async def body(durable: Durable, operation_id: str) -> None:
        async def deed() -> str:
            nonlocal tries
            tries += 1
            async with store.begin() as connection:
                await write(connection, operation_id, f"try {tries}")
                if tries == 1:
                    await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 100"))
                    await asyncio.sleep(0.5)
                await durable.remember(connection, f"try {tries}")
            return f"try {tries}"

        results.append(await durable.step("deed", deed, str))

    async with launched(postgres, body) as durable:
        await durable.start_once("weigh", operation)
        await until(durable, operation)
    async with store.connect() as connection:
        assert await connection.scalar(STATUS, {"one": operation}) == "SUCCESS"
    assert results == ["try 2"]
