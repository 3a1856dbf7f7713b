"""A step is remembered in the transaction of the rows that it writes: both are there or neither is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import Store, make_engine
from process_apis.durable import Durable
from tests.integration.durable.test_durable import holds, kept, launched, until

REMEMBERED = "SELECT function_name, output FROM operation_outputs ORDER BY function_id"


@asynccontextmanager
async def deeds(database: Path) -> AsyncIterator[Store]:
    """A table of ours in the engine's store."""
    store = make_engine(f"sqlite+aiosqlite:///{database}")
    async with store.begin() as connection:
        await connection.execute(text("CREATE TABLE IF NOT EXISTS deeds (deed TEXT)"))
    try:
        yield store
    finally:
        await store.dispose()


async def write(connection: AsyncConnection, deed: str) -> None:
    await connection.execute(text("INSERT INTO deeds VALUES (:deed)"), {"deed": deed})


async def test_rows_that_are_not_committed_take_the_memory_of_their_step_with_them(tmp_path: Path) -> None:
    database = tmp_path / "d.db"
    begun, forever = 0, asyncio.Event()

    async def body(durable: Durable, _operation_id: str) -> None:
        async def deed() -> str:
            nonlocal begun
            begun += 1
            async with store.begin() as connection:
                await write(connection, f"try {begun}")
                await durable.remember(connection, f"try {begun}")
                if begun == 1:
                    await forever.wait()  # until the process goes, in the middle of the transaction
            return f"try {begun}"

        await durable.step("deed", deed, str)

    async with deeds(database) as store:
        async with launched(database, body) as durable:
            await durable.start_once("weigh", "op_1")
            await holds(lambda: begun == 1)
        assert kept(database, REMEMBERED) == []
        async with launched(database, body) as durable:
            await until(durable, "op_1")
    assert kept(database, "SELECT deed FROM deeds") == [("try 2",)]
    assert kept(database, REMEMBERED) == [("deed", '"try 2"')]


async def test_a_commit_whose_answer_was_lost_is_not_done_again(tmp_path: Path) -> None:
    database = tmp_path / "d.db"
    results: list[str] = []

    async def body(durable: Durable, _operation_id: str) -> None:
        async def deed() -> str:
            async with store.begin() as connection:
                await write(connection, "done")
                await durable.remember(connection, "done")
            raise OperationalError("COMMIT", {}, ConnectionError("the answer is lost"))

        results.append(await durable.step("deed", deed, str))

    async with deeds(database) as store, launched(database, body) as durable:
        await durable.start_once("weigh", "op_1")
        await until(durable, "op_1")
    assert results == ["done"]
    assert kept(database, "SELECT deed FROM deeds") == [("done",)]


async def test_a_step_that_failed_before_its_commit_is_done_again_by_itself(tmp_path: Path) -> None:
    database = tmp_path / "d.db"
    tries = 0

    async def body(durable: Durable, _operation_id: str) -> None:
        async def deed() -> int:
            nonlocal tries
            tries += 1
            async with store.begin() as connection:
                await write(connection, f"try {tries}")
                await durable.remember(connection, tries)
                if tries == 1:
                    raise OperationalError("INSERT", {}, ConnectionError("the connection broke"))
            return tries

        await durable.step("deed", deed, int)

    async with deeds(database) as store, launched(database, body) as durable:
        await durable.start_once("weigh", "op_1")
        await until(durable, "op_1")
    assert kept(database, "SELECT deed FROM deeds") == [("try 2",)]
    assert kept(database, REMEMBERED) == [("deed", "2")]


async def test_who_is_not_the_one_to_act_for_the_engine_writes_no_row_of_ours_either(tmp_path: Path) -> None:
    database = tmp_path / "d.db"
    arrived, go, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def body(durable: Durable, _operation_id: str) -> None:
        async def deed() -> str:
            arrived.set()
            await go.wait()
            try:
                async with store.begin() as connection:
                    await write(connection, "of one who lost it")
                    await durable.remember(connection, "done")
            finally:
                over.set()
            return "done"

        await durable.step("deed", deed, str)

    async with deeds(database) as store, launched(database, body) as durable:
        await durable.start_once("weigh", "op_1")
        await arrived.wait()
        async with store.begin() as connection:
            await connection.execute(text("UPDATE workflow_status SET owner_xid = 'another'"))
        go.set()
        await asyncio.wait_for(over.wait(), 10)
        assert kept(database, "SELECT deed FROM deeds") == []


@pytest.mark.parametrize("writers", [25])
async def test_writers_of_a_file_come_to_their_turn_in_order_and_keep_no_reader_waiting(
    tmp_path: Path, writers: int
) -> None:
    """More writers than there are connections."""
    done: list[int] = []

    async def writes(number: int) -> None:
        async with store.begin() as connection:
            await write(connection, str(number))
            await asyncio.sleep(0.02)
        done.append(number)

    async with deeds(tmp_path / "d.db") as store, asyncio.TaskGroup() as crew:
        for number in range(writers):
            crew.create_task(writes(number))
        await holds(lambda: len(done) == 1)
        async with store.connect() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM deeds")) < writers
        assert len(done) < writers / 2  # the reader had a place at once
        await holds(lambda: len(done) == writers)
    assert done == list(range(writers))
