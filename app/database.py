"""The one engine: SQLite in a file, or PostgreSQL. Each layer declares its tables, numbered migrations make them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, create_engine, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

import policies.audit_tables
import policies.client_tables  # noqa: F401  each declares its own on the same metadata
import process_apis.figures.tables
import process_apis.order_change.tables
import process_apis.orders.tables  # noqa: F401  both declare theirs on the same metadata
from policies.punctual import ANSWER_S, POOL_WAIT_S, make_punctual, take_your_time
from policies.tables import metadata as policy_tables
from process_apis.tables import metadata as process_tables

TABLES = (policy_tables, process_tables)
BUSY_TIMEOUT_MS = 5_000
POOL_SIZE = 10
CONNECT_S = 10
_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x0DE2_6A7E  # any number, the same one everywhere


class Store(AsyncEngine):
    """An engine whose `begin()` means to write.

    SQLite turns a reading transaction into a writing one only if nobody wrote in between, and then fails at once
    instead of waiting; so whoever begins a transaction takes the write lock with its first word. `connect()` reads
    beside it (WAL).
    """

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with self.connect() as connection:
            await connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            async with connection.begin():
                yield connection


def make_engine(url: str, *, connections: int = POOL_SIZE) -> AsyncEngine:
    """An engine for `url`, with so many connections and, on a server, as many again for a rush. Nothing is opened yet,
    but the directory of a SQLite file is made."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        Path(address.database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(address, pool_size=connections, max_overflow=0, pool_timeout=POOL_WAIT_S)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    else:
        bounds = {"pool_size": connections, "max_overflow": connections, "pool_timeout": POOL_WAIT_S}
        engine = create_async_engine(address, **bounds, pool_pre_ping=True)
        make_punctual(engine)
    return Store(engine.sync_engine)


def try_out(url: str) -> None:
    """Raises if the store cannot be opened. In this thread: a process that then ends must not leave one behind."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        Path(address.database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(address.set(drivername="sqlite"), poolclass=NullPool)
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        engine = create_engine(address, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_S})
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))


async def migrate(engine: AsyncEngine) -> None:
    """Bring the tables to the newest state. Replicas that start together wait for each other (PostgreSQL)."""
    async with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await take_your_time(connection)  # others may migrate before us
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        await connection.run_sync(_upgrade)
        await take_your_time(connection, answer_s=ANSWER_S)


async def ping(engine: AsyncEngine, within_s: float) -> None:
    """Raises if the store does not answer in time."""
    async with asyncio.timeout(within_s), engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


def migrations() -> Config:
    """Alembic's configuration, without a file: where the scripts are is all there is to say."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def _upgrade(connection: Connection) -> None:
    config = migrations()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    cursor: sqlite3.Cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
