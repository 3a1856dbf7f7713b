from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from policies.tables import metadata
from tests.postgres import postgres  # noqa: F401  a fixture


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A real store with the policies' tables, empty: a SQLite file, then a PostgreSQL server."""
    if request.param == "sqlite":
        engine = sqlite_file(tmp_path / "claims.db")
    else:
        engine = create_async_engine(request.getfixturevalue("postgres"), pool_size=25)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


def sqlite_file(path: Path) -> AsyncEngine:
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", pool_size=25)

    @event.listens_for(engine.sync_engine, "connect")
    def _as_in_production(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.close()

    return engine
