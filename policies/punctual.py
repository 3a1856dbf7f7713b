"""Connections to PostgreSQL that answer in time or are closed: a frozen server sends nothing, not even an error.

No setting of the server or of the network helps there: a stopped process keeps its sockets open, and its kernel goes
on acknowledging. So the time is taken on this side, at the one place where the driver waits for the wire.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import OperationalError
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

T = TypeVar("T")

ANSWER_S: Final = 5.0
"""The longest that one statement takes, waiting for locks included."""
CANCEL_S: Final = 0.5
CONNECT_S: Final = 2
"""The least that libpq knows. The driver's own default is 130 seconds."""
POOL_WAIT_S: Final = 2.0


class PunctualConnection(psycopg.AsyncConnection[Any]):
    """`answer_s` is None while it may take as long as it likes, as a migration may."""

    answer_s: float | None = ANSWER_S

    async def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:  # noqa: ASYNC109
        """What the driver waits for; too long, and the connection is closed: nobody knows what comes on it next."""
        limit = self.answer_s if timeout is None else timeout
        try:
            return await super().wait(gen, interval, limit)
        except OperationalError as trouble:
            if timeout is None and limit is not None and type(trouble).__name__ == "_WaitTimeout":
                self.pgconn.finish()
                raise OperationalError(f"no answer within {limit:g} s") from None
            raise

    async def _try_cancel(self, *, timeout: float = CANCEL_S) -> None:  # noqa: ASYNC109
        """A caller that gave up is not kept waiting for the server to agree: it would do so for ten seconds."""
        try:
            await self.cancel_safe(timeout=min(timeout, CANCEL_S))
        except psycopg.Error:
            self.pgconn.finish()


def make_punctual(engine: AsyncEngine) -> None:
    """Every connection that the engine opens from now on is a punctual one."""

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        parameters.setdefault("connect_timeout", CONNECT_S)
        parameters["async_creator_fn"] = PunctualConnection.connect


async def take_your_time(connection: AsyncConnection, *, answer_s: float | None = None) -> None:
    """Let this connection wait for its answers as long as said, for ever if nothing is."""
    driver = (await connection.get_raw_connection()).driver_connection
    if isinstance(driver, PunctualConnection):
        driver.answer_s = answer_s
