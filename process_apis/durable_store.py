"""Where the durable engine keeps its checkpoints, and how loud it may be. Knows SQL and logging, not the engine."""

from __future__ import annotations

import fcntl
import logging
import sqlite3
import threading
import time
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from policies.punctual_sessions import make_sessions_punctual

_BUSY_TIMEOUT_MS = 30_000
_AT_WORK, _LEFT = "at work\n", "left\n"
_SYNC_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


class StoreTaken(Exception):
    """Another process runs the operations of this SQLite file."""


class OneFile:
    """A SQLite file in the hands of this process. It serves one engine: two would each take the other's operations for
    orphans. The lock goes with the process that holds it, however that ends."""

    def __init__(self, held: IO[str], *, left_in_peace: bool) -> None:
        self._held = held
        self.left_in_peace = left_in_peace
        """Whether who held it before us ended as it should; true of a new file too."""

    @classmethod
    def held(cls, url: str) -> OneFile | None:
        """None for a server, which knows its clients. Raises StoreTaken."""
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite" or not parsed.database:
            return None
        file = Path(f"{parsed.database}.lock").open("a+", encoding="ascii")  # noqa: SIM115  open as long as it is held
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise StoreTaken(f"another process runs the operations in {parsed.database}: SQLite serves one") from None
        file.seek(0)
        before = file.read()
        _write(file, _AT_WORK)
        return cls(file, left_in_peace=before != _AT_WORK)

    def leave_in_peace(self) -> None:
        """What is unfinished is nobody's fault."""
        _write(self._held, _LEFT)

    def release(self) -> None:
        self._held.close()


def _write(file: IO[str], word: str) -> None:
    file.truncate(0)
    file.write(word)
    file.flush()


def engine_for(url: str, *, threads: int) -> Engine:
    """A synchronous SQLAlchemy engine on the store of our own tables. `url` may name an async driver."""
    parsed = make_url(url)
    driver = _SYNC_DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise ArgumentError(f"operations are kept in SQLite or PostgreSQL, not in {parsed.get_backend_name()}")
    parsed = parsed.set(drivername=driver)
    if driver != "sqlite":
        engine = create_engine(parsed, pool_size=threads, pool_pre_ping=True)
        make_sessions_punctual(engine)
        return engine
    if parsed.database in (None, "", ":memory:"):
        raise ArgumentError("operations outlive the process: their SQLite store needs a file")
    engine = create_engine(parsed, pool_size=threads, connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # kept in the file: readers no longer wait for writers
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = "IMMEDIATE"  # writers queue at once instead of failing when they upgrade a read
    connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys=ON")
    give_clocks(connection)


def give_clocks(connection: Any) -> None:
    """The engine orders operations by time of creation. SQLite before 3.42 counts whole seconds, so that operations
    of the same second lose their order: give it clocks that count milliseconds."""
    connection.create_function("unixepoch", 1, _unixepoch)
    connection.create_function("strftime", 2, _strftime)


def _unixepoch(argument: str) -> Any:
    return time.time() if argument == "subsec" else _builtin("SELECT unixepoch(?)", argument)


def _strftime(pattern: str, moment: str) -> Any:
    return time.time() if (pattern, moment) == ("%s", "now") else _builtin("SELECT strftime(?, ?)", pattern, moment)


_untouched = threading.local()


def _builtin(question: str, *arguments: str) -> Any:
    """Whatever else is asked goes to SQLite's own function, on a connection that has not been given ours."""
    if not hasattr(_untouched, "connection"):
        _untouched.connection = sqlite3.connect(":memory:")
    return _untouched.connection.execute(question, arguments).fetchone()[0]


class _OneLine(logging.Filter):
    """A retry is not worth a traceback, a shutdown not even a line; what really broke keeps its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Asyncio task cancelled"):
            return False
        if record.levelno < logging.ERROR and record.exc_info:
            record.msg = f"{record.getMessage()} {record.exc_info[1]!r}"
            record.args, record.exc_info = None, None
        return True


def quieten(name: str) -> None:
    """Let a chatty library's logger speak through ours: its handlers are not wanted, and no traceback of a retry."""
    logger = logging.getLogger(name)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())  # with a handler present it adds none of its own
    if not any(isinstance(one, _OneLine) for one in logger.filters):
        logger.addFilter(_OneLine())
