"""The same as `punctual` for threads: sessions that answer in time or are closed, once they are given a limit."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import OperationalError
from sqlalchemy import Engine, event

from policies.punctual import given_up, is_late, leaves_standbys, never_forgotten

T = TypeVar("T")


class PunctualSession(psycopg.Connection[Any]):
    """`answer_s` is None while it may take as long as it likes."""

    answer_s: float | None = None

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        limit = self.answer_s if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except OperationalError as trouble:
            if timeout is None and limit is not None and is_late(trouble):
                raise given_up(self, limit) from None
            raise

    def notifies(self, **how: Any) -> Generator[psycopg.Notify, None, None]:
        """Who listens waits for what may never come."""
        self.answer_s = None
        return super().notifies(**how)


def make_sessions_punctual(engine: Engine) -> None:
    """Every connection that the engine opens from now on can be given a limit."""

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, parameters: dict[str, Any]) -> PunctualSession:
        never_forgotten(parameters)
        return PunctualSession.connect(*arguments, **parameters)

    leaves_standbys(engine)


def bound_answers(engine: Engine, answer_s: float) -> None:
    """From now on no answer takes longer, on connections that are open already from their next use."""

    @event.listens_for(engine, "checkout")
    def bound(connection: Any, _record: Any, _proxy: Any) -> None:
        if isinstance(connection, PunctualSession):
            connection.answer_s = answer_s
