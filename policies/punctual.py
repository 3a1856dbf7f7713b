"""Connections to PostgreSQL that answer in time or are closed: a frozen server sends nothing, not even an error.

No setting of the server or of the network helps there: a stopped process keeps its sockets open, and its kernel goes
on acknowledging. So the time is taken on this side, at the one place where the driver waits for the wire.
"""

from __future__ import annotations

import select
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import OperationalError
from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.breaker import Breaker
from policies.store import READ_ONLY, StoreAsleep

T = TypeVar("T")

ANSWER_S: Final = 5.0
"""The longest that one statement takes, waiting for locks included."""
PING_S: Final = 1.0
"""The longest that a question takes which waits for no lock: whether the server is there."""
FRESH_S: Final = 0.5
"""So long after its last answer a connection is lent without being asked whether it is still there."""
CANCEL_S: Final = 0.5
FORGOTTEN_S: Final = 10
"""So long the server keeps a transaction open in which nobody says a word: a replica that froze holds its locks, and
with them the one turn of outbox and audit, no longer."""
CONNECT_S: Final = 2
"""The least that libpq knows. The driver's own default is 130 seconds."""
POOL_WAIT_S: Final = 2.0


class PunctualConnection(psycopg.AsyncConnection[Any]):
    """`answer_s` is None while it may take as long as it likes, as a migration may. `breaker` hears how it goes."""

    answer_s: float | None = ANSWER_S
    breaker: Breaker | None = None
    _heard_at = 0.0

    async def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:  # noqa: ASYNC109
        """What the driver waits for; too long, and the connection is closed: nobody knows what comes on it next."""
        limit = self.answer_s if timeout is None else timeout
        try:
            answer = await super().wait(gen, interval, limit)
        except OperationalError as trouble:
            if timeout is None and limit is not None and is_late(trouble):
                late = given_up(self, limit)
                if self.breaker is not None:
                    self.breaker.failed(late)
                raise late from None
            raise
        if self.breaker is not None:
            self.breaker.answered()
        self._heard_at = monotonic()
        return answer

    @property
    def is_fresh(self) -> bool:
        """It answered a moment ago, and the server has not hung up since: its farewell would be there to be read."""
        return monotonic() - self._heard_at < FRESH_S and not self.closed and not _has_something_to_say(self.fileno())

    async def _try_cancel(self, *, timeout: float = CANCEL_S) -> None:  # noqa: ASYNC109
        """A caller that gave up is not kept waiting for the server to agree: it would do so for ten seconds."""
        try:
            await self.cancel_safe(timeout=min(timeout, CANCEL_S))
        except psycopg.Error:
            self.pgconn.finish()


def make_punctual(engine: AsyncEngine, breaker: Breaker | None = None) -> None:
    """Every connection that the engine opens from now on is a punctual one, and the breaker hears how they do."""

    async def connected(*arguments: Any, **parameters: Any) -> PunctualConnection:
        if breaker is not None and breaker.is_open:
            raise StoreAsleep  # it failed while somebody waited for a place in the pool
        try:
            connection = await PunctualConnection.connect(*arguments, **parameters)
        except OperationalError as trouble:
            if breaker is not None:
                breaker.failed(trouble)
            raise
        if breaker is not None:
            breaker.answered()
        connection.breaker = breaker
        return connection

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        never_forgotten(parameters)
        parameters["async_creator_fn"] = connected

    leaves_standbys(engine.sync_engine)
    _ping_promptly(engine.sync_engine.dialect)


def leaves_standbys(engine: Engine) -> None:
    """A connection on which nothing can be written leads to what is a standby by now, and so may all others of the
    pool: it is taken for broken, and a new one made the next time. Who has patience with broken ones has it then."""

    @event.listens_for(engine, "handle_error")
    def noticed(context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
            context.is_disconnect = True


def never_forgotten(parameters: dict[str, Any]) -> None:
    """What every connection of ours is opened with, unless the address says otherwise."""
    parameters.setdefault("connect_timeout", CONNECT_S)
    parameters.setdefault("options", f"-c idle_in_transaction_session_timeout={FORGOTTEN_S}s")


def probe_of(engine: AsyncEngine) -> Callable[[], Awaitable[bool]]:
    """Whether the server answers, asked over a connection of its own: those of the pool may all be waited for."""
    arguments, parameters = engine.dialect.create_connect_args(engine.url)

    async def answers() -> bool:
        try:
            connection = await PunctualConnection.connect(
                *arguments, **{"connect_timeout": CONNECT_S, "autocommit": True, **parameters}
            )
            try:
                connection.answer_s = PING_S
                await connection.execute("SELECT 1")
            finally:
                await connection.close()
        except (psycopg.Error, OSError):
            return False
        return True

    return answers


async def take_your_time(connection: AsyncConnection, *, answer_s: float | None = None) -> None:
    """Let this connection wait for its answers as long as said, for ever if nothing is."""
    driver = (await connection.get_raw_connection()).driver_connection
    if isinstance(driver, PunctualConnection):
        driver.answer_s = answer_s


def _ping_promptly(dialect: Any) -> None:
    """The pool asks a connection whether it is still there before it lends it: that waits for nobody's lock. It does
    not ask one that is fresh: under load that would be every sixth statement."""
    ping = dialect.do_ping

    def promptly(connection: Any) -> bool:
        driver = connection.driver_connection
        if driver.is_fresh:
            return True
        driver.answer_s, usual = PING_S, driver.answer_s
        try:
            return bool(ping(connection))
        finally:
            driver.answer_s = usual

    dialect.do_ping = promptly


def _has_something_to_say(socket: int) -> bool:
    look = select.poll()
    look.register(socket, select.POLLIN)
    return bool(look.poll(0))


def is_late(trouble: OperationalError) -> bool:
    """The driver's own class for it is not published."""
    return type(trouble).__name__ == "_WaitTimeout"


def given_up(connection: psycopg.AsyncConnection[Any] | psycopg.Connection[Any], limit_s: float) -> OperationalError:
    """Closes the connection without a word to the server: it would wait for an answer again."""
    connection.pgconn.finish()
    return OperationalError(f"no answer within {limit_s:g} s")
