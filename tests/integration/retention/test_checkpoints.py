"""The engine's memory: deleted as the engine itself deletes, and nothing of an ended operation stays behind."""

from __future__ import annotations

import inspect as source
import re
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from dbos._sys_db import SystemDatabase
from sqlalchemy import Connection, MetaData, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis.durable import Durable
from process_apis.retention.checkpoints import PAYLOADS, purge_checkpoints, schema_on
from tests.purging import purged


def test_the_engine_deletes_from_the_tables_that_we_delete_from() -> None:
    """A new version of it may keep payloads elsewhere: this is where that shows."""
    named = re.findall(r"self\.tables\.(\w+)", source.getsource(SystemDatabase._delete_workflows))
    assert set(named) == {*PAYLOADS, "workflow_status"}


async def test_nothing_of_ended_workflows_stays_in_any_table_of_the_engine(store: AsyncEngine) -> None:
    durable = Durable(store.url.render_as_string(hide_password=False))

    async def work() -> str:
        return "done"

    async def body(_operation_id: str) -> None:
        await durable.step("work", work, str)

    durable.workflow("weigh", body)
    await durable.launch()
    try:
        schema = schema_on(store.dialect.name)
        before = await rows(store, schema)
        for operation_id in ("op_1", "op_2", "op_3"):
            await durable.start_once("weigh", operation_id)
        while len(await durable.stopped_among(["op_1", "op_2", "op_3"])) < 3:
            pass
        purge = partial(purge_checkpoints, schema)
        assert await purged(store, purge, datetime.now(UTC) - timedelta(days=1)) == 0
        assert await purged(store, purge, datetime.now(UTC) + timedelta(days=1), most=2) == 2
        assert await purged(store, purge, datetime.now(UTC) + timedelta(days=1)) == 1
        assert await rows(store, schema) == before
    finally:
        await durable.close()


async def rows(store: AsyncEngine, schema: str | None) -> dict[str, int]:
    """How many there are in each table in which a workflow may have some."""

    def counted(connection: Connection) -> dict[str, int]:
        metadata = MetaData()
        metadata.reflect(connection, schema=schema, resolve_fks=False)
        named = [table for table in metadata.tables.values() if "workflow_uuid" in table.c]
        assert inspect(connection).has_table("workflow_status", schema=schema)
        return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in named}

    async with store.connect() as connection:
        return await connection.run_sync(counted)


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_on_a_server_the_engine_keeps_its_tables_apart(dialect: str) -> None:
    assert (schema_on(dialect) is None) == (dialect == "sqlite")
