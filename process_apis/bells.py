"""Bells: how whoever waits for an operation learns at once that it moved, in this process or in another.

A bell may ring for nothing and may be missed: the tables are the truth, and everybody who waits looks there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

CHANNEL = "ordergate_operations"
log = logging.getLogger("ordergate.durable")

What = Literal["start", "moved"]


class Ring(NamedTuple):
    """`start`: an operation waits for a worker; `moved`: somebody decided on it, or stopped it."""

    what: What
    workflow: str
    operation_id: str
    run: int = 1

    def text(self) -> str:
        return f"{self.what} {self.workflow} {self.operation_id} {self.run}"

    @classmethod
    def parsed(cls, said: str) -> Ring | None:
        """None for what is none of ours."""
        match said.split(" "):
            case [("start" | "moved") as what, workflow, operation_id, run] if run.isdecimal():
                return cls(what, workflow, operation_id, int(run))
        return None


class Bells:
    """One bell for each operation that somebody in this process waits for."""

    def __init__(self) -> None:
        self._hung: dict[str, asyncio.Event] = {}

    def __len__(self) -> int:
        return len(self._hung)

    @contextmanager
    def hung(self, operation_id: str) -> Iterator[asyncio.Event]:
        bell = asyncio.Event()
        self._hung[operation_id] = bell
        try:
            yield bell
        finally:
            if self._hung.get(operation_id) is bell:
                del self._hung[operation_id]

    def ring(self, operation_id: str) -> None:
        if bell := self._hung.get(operation_id):
            bell.set()

    def ring_all(self) -> None:
        """Some may have been missed."""
        for bell in self._hung.values():
            bell.set()


async def ring_elsewhere(store: Engine, ring: Ring) -> None:
    """Tell every worker (PostgreSQL; nobody else works on a SQLite file). What they miss they find in the tables."""
    if store.dialect.name != "postgresql":
        return
    try:
        await asyncio.to_thread(_notify, store, ring.text())
    except SQLAlchemyError as trouble:
        log.warning("the workers are not told about operation %s and will find it: %s", ring.operation_id, trouble)


def _notify(store: Engine, said: str) -> None:
    with store.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_notify(:channel, :said)"), {"channel": CHANNEL, "said": said})
