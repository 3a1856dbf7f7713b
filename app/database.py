"""The one engine: SQLite in a file, or PostgreSQL. Each layer declares its tables, numbered migrations make them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

import policies.audit_tables
import policies.client_tables  # noqa: F401  each declares its own on the same metadata
import process_apis.figures.tables
import process_apis.order_change.tables
import process_apis.orders.tables
import process_apis.retention.tables  # noqa: F401  each declares its own on the same metadata
from policies.breaker import Breaker
from policies.punctual import ANSWER_S, POOL_WAIT_S, make_punctual, probe_of, take_your_time
from policies.store import StoreAsleep
from policies.tables import metadata as policy_tables
from process_apis.durable_store import give_clocks
from process_apis.tables import metadata as process_tables

TABLES = (policy_tables, process_tables)
BUSY_TIMEOUT_MS = 5_000
POOL_SIZE = 10
CONNECT_S = 10
MOST_FAILURES = 3
_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x0DE2_6A7E  # any number, the same one everywhere


class Store(AsyncEngine):
    """An engine whose `begin()` means to write.

    SQLite turns a reading transaction into a writing one only if nobody wrote in between, and then fails at once
    instead of waiting; so whoever begins a transaction takes the write lock with its first word. Those who find it
    taken it makes wait each for itself, so that the unlucky ones wait for seconds and keep their connections from the
    readers: here they queue (`lane`).

    `connect()` reads. On SQLite that goes on beside the writing (WAL); on a server it takes no transaction, as each
    statement would see what is committed by then inside of one, too. Both raise StoreAsleep at once while the breaker
    is open, if there is one.
    """

    breaker: Breaker | None = None
    lane: asyncio.Lock | None = None
    writing: Mapping[str, str] = MappingProxyType({"isolation_level": "READ COMMITTED"})

    def connect(self) -> AsyncConnection:
        if self.breaker is not None and self.breaker.is_open:
            raise StoreAsleep
        return super().connect()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with self._turn(), self.connect() as connection:
            await connection.execution_options(**self.writing)
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Waited for as long as for a connection, which takes turns as well."""
        if self.lane is None:
            yield
            return
        try:
            async with asyncio.timeout(POOL_WAIT_S):
                await self.lane.acquire()
        except TimeoutError:
            raise PoolTimeout("others are writing") from None
        try:
            yield
        finally:
            self.lane.release()

    async def dispose(self, close: bool = True) -> None:  # noqa: FBT001, FBT002  as the engine has it
        if self.breaker is not None:
            self.breaker.shut_down()
        await super().dispose(close)


def make_engine(
    url: str, *, connections: int = POOL_SIZE, breaks: bool = True, turned: Callable[..., None] | None = None
) -> Store:
    """An engine for `url`, with so many connections and, on a server, as many again for a rush. Nothing is opened yet,
    but the directory of a SQLite file is made.

    A server that failed a few times in a row is asked by nobody but a probe until it answers; `turned` hears of every
    turn of that breaker. Without one (`breaks`) is who asks all the time anyway, and keeps nobody waiting.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        Path(address.database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(address, pool_size=connections, max_overflow=0, pool_timeout=POOL_WAIT_S)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        store = Store(engine.sync_engine)
        store.lane, store.writing = asyncio.Lock(), {"sqlite_begin": "BEGIN IMMEDIATE"}
        return store
    bounds = {"pool_size": connections, "max_overflow": connections, "pool_timeout": POOL_WAIT_S}
    reading = {"isolation_level": "AUTOCOMMIT"}
    store = Store(create_async_engine(address, **bounds, **reading, pool_pre_ping=True).sync_engine)
    if breaks:
        store.breaker = _breaker(store, turned)
    make_punctual(store, store.breaker)
    return store


def _breaker(store: Store, turned: Callable[..., None] | None) -> Breaker:
    return Breaker(
        "the operation store",
        probe_of(store),
        most_failures=MOST_FAILURES,
        meanwhile="nobody waits for it",
        turned=turned,
    )


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


def newest() -> str:
    """The number of the last migration there is: its file begins with it."""
    return max(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def _stands_at(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


def _upgrade(connection: Connection) -> None:
    if _stands_at(connection) == newest():
        return
    from alembic import command  # noqa: PLC0415  a tenth of a process that is there for days, and needed for a moment
    from alembic.config import Config  # noqa: PLC0415  likewise

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
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
    give_clocks(connection)  # the engine's steps are remembered in transactions of ours


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
