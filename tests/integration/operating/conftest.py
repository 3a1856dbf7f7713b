from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import make_url

from process_apis.words import new_id
from tests.integration.quote_to_order.shop import Shop, open_shop
from tests.postgres import postgres
from tests.sandbox import RunningSandbox

__all__ = ["postgres"]

SETTLE_S = 0.3


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """An empty store: a file, or a database of its own on the server."""
    if request.param == "sqlite":
        return tmp_path / "operations.db"
    server, name = make_url(request.getfixturevalue("postgres")), new_id("t").lower()
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.set(database=name).render_as_string(hide_password=False)


@pytest_asyncio.fixture
async def shop(database: Path | str, fresh_sandbox: RunningSandbox) -> AsyncIterator[Shop]:
    """On both stores."""
    async with open_shop(database, fresh_sandbox.urls, settle_s=SETTLE_S) as opened:
        yield opened


@pytest_asyncio.fixture
async def small_shop(tmp_path: Path, fresh_sandbox: RunningSandbox) -> AsyncIterator[Shop]:
    """On SQLite, for what does not depend on the store."""
    async with open_shop(tmp_path / "operations.db", fresh_sandbox.urls, settle_s=SETTLE_S) as opened:
        yield opened
