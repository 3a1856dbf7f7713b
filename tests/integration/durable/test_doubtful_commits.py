"""Steps on a real PostgreSQL whose transaction ended otherwise than it was seen to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import Store, make_engine, migrate
from policies.errors import StoreUnavailable
from policies.punctual import take_your_time
from policies.store import store_answers
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
    await connection.execute(
        text("INSERT INTO deeds VALUES (:operation, :deed)"), {"operation": operation, "deed": deed}
    )


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


@pytest.mark.parametrize(
    "trouble",
    ["SET LOCAL idle_in_transaction_session_timeout = 100", "SET TRANSACTION READ ONLY"],
    ids=["we were frozen", "it is a standby now"],
)
async def test_a_transaction_that_the_server_does_not_go_on_with_is_done_again(
    store: Store,
    postgres: str,  # noqa: F811
    trouble: str,
) -> None:
    operation, results, tries = new_id("op"), [], 0

    async def body(durable: Durable, operation_id: str) -> None:
        async def deed() -> str:
            nonlocal tries
            tries += 1
            async with store.begin() as connection:
                await write(connection, operation_id, f"try {tries}")
                if tries == 1:
                    await connection.execute(text(trouble))
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


async def test_a_store_that_takes_no_writes_for_a_while_strands_no_operation(
    store: Store,
    postgres: str,  # noqa: F811
) -> None:
    """As after a failover, or where a full disk makes the server read-only: the engine writes on connections too."""
    operation, results, locked = new_id("op"), [], asyncio.Event()

    async def read_only(*, on: bool) -> None:
        async with store.connect() as connection:
            await connection.execute(text("SET default_transaction_read_only = off"))
            await connection.execute(text(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}"))
            await connection.execute(text("SELECT pg_reload_conf()"))
        await asyncio.sleep(0.3)

    async def body(durable: Durable, _operation_id: str) -> None:
        async def deed() -> str:
            await read_only(on=True)
            locked.set()
            return "done"

        results.append(await durable.step("deed", deed, str))
        await durable.sleep(0.01)

    async with launched(postgres, body) as durable:
        await durable.start_once("weigh", operation)
        try:
            await asyncio.wait_for(locked.wait(), 10)
            await asyncio.sleep(1)
        finally:
            await read_only(on=False)
        await until(durable, operation)
    async with store.connect() as connection:
        assert await connection.scalar(STATUS, {"one": operation}) == "SUCCESS"
    assert results == ["done"]


async def test_a_call_whose_transaction_the_server_forgot_is_asked_to_come_again(store: Store) -> None:
    with pytest.raises(StoreUnavailable), store_answers():
        async with store.begin() as connection:
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 100"))
            await asyncio.sleep(0.4)
            await write(connection, "op", "late")
    async with store.connect() as connection:  # and the pool lends no dead connection
        assert await connection.scalar(text("SELECT count(*) FROM deeds WHERE deed = 'late'")) == 0
