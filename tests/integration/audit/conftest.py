"""A store as a gateway has it: made by the migrations, triggers and all; a SQLite file, then a PostgreSQL server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import make_engine, migrate
from tests.postgres import postgres  # noqa: F401  a fixture


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path}/ordergate.db"
    else:
        url = request.getfixturevalue("postgres")
        await emptied(url)
    engine = make_engine(url)
    await migrate(engine)
    yield engine
    await engine.dispose()


async def emptied(url: str) -> None:
    engine = make_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()
