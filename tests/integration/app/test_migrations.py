"""What the migrations make is what the layers declare, on both stores."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import TABLES, make_engine, migrate, newest
from process_apis.orders.tables import order_revisions

OWN = {table.name for metadata in TABLES for table in metadata.tables.values()}


def differences(connection: Connection) -> list[object]:
    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name in OWN

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": ours})
    return list(compare_metadata(context, list(TABLES)))  # type: ignore[arg-type]  # several are taken, one is declared


async def assert_in_step(engine: AsyncEngine) -> None:
    try:
        await asyncio.gather(migrate(engine), migrate(engine))
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
            assert len(OWN) > 5
            assert (
                await connection.run_sync(lambda one: MigrationContext.configure(one).get_current_revision())
                == newest()
            )
    finally:
        await engine.dispose()


async def test_sqlite_has_what_the_layers_declare(tmp_path: Path) -> None:
    await assert_in_step(make_engine(f"sqlite+aiosqlite:///{tmp_path}/new/ordergate.db"))


async def test_postgresql_has_what_the_layers_declare(postgres: str) -> None:
    await assert_in_step(make_engine(postgres))


async def test_writers_on_sqlite_wait_for_each_other(tmp_path: Path) -> None:
    """Each reads before it writes: begun as readers, all but one would fail at once."""
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/ordergate.db")
    await migrate(engine)

    async def one_more(number: int) -> None:
        async with engine.begin() as connection:
            seen = len((await connection.execute(select(order_revisions))).all())
            await connection.execute(insert(order_revisions).values(order_id=f"s4.{number}", revision=seen))

    await asyncio.gather(*(one_more(number) for number in range(30)))
    async with engine.connect() as connection:
        revisions = [row.revision for row in await connection.execute(select(order_revisions))]
        assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
    await engine.dispose()
    assert sorted(revisions) == list(range(30))
