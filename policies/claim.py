"""A claimed key in the hands of its owner: settle it, replace the answer later, or give it back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import msgspec
from sqlalchemy import ColumnElement, and_, delete, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.answer import Answer
from policies.audit import Touched, recorded
from policies.errors import IdempotencyKeyInFlight, StoreUnavailable
from policies.store import store_answers
from policies.tables import IN_FLIGHT, SETTLED, idempotency_claims

log = logging.getLogger(__name__)

_rows = idempotency_claims.c
_UNANSWERED: Final = object()


class Slot(NamedTuple):
    """What a key is unique within: two clients never meet, nor do two kinds of call."""

    client_id: str
    operation: str
    key: str

    def matches(self) -> ColumnElement[bool]:
        return and_(_rows.client_id == self.client_id, _rows.operation == self.operation, _rows.key == self.key)


@dataclass(slots=True)
class Settlement:
    """The transaction that brings rows and answer about. The process writes on `connection` and sets `answer`.

    `touched` is what the audit says of it; a process that writes its own entries (`audit.record`) leaves it out.
    """

    connection: AsyncConnection
    answer: Any = _UNANSWERED
    touched: Touched | None = None


Owed = dict[str, Slot]
"""Keys that could not be given back yet, by the owner of the claim."""
MOST_OWED: Final = 10_000
Witness = Callable[[AsyncConnection, Touched | None], Awaitable[None]]
"""Writes down who did this, in the transaction of the deed."""


class Claim:
    """The right to act under a key. Leaving `async with claim` without having settled gives the key back."""

    def __init__(
        self,
        engine: AsyncEngine,
        slot: Slot,
        owner: str,
        *,
        encode: Callable[[Any], Answer],
        clock: Callable[[], datetime],
        kept: timedelta,
        witness: Witness | None = None,
        owed: Owed | None = None,
    ) -> None:
        self._engine = engine
        self._slot = slot
        self._owner = owner
        self._encode = encode
        self._clock = clock
        self._kept = kept
        self._witness = witness
        self._owed = owed
        self.settled = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.settled:
            # shielded: a call whose caller hung up, once or twice, gives its key back all the same
            await asyncio.shield(self.release())

    @asynccontextmanager
    async def settle(self) -> AsyncIterator[Settlement]:
        """Commit the process's rows and the answer, both or neither.

        Raises IdempotencyKeyInFlight, and writes nothing, if the lease ran out and another call owns the key now.
        """
        with store_answers():
            async with self._engine.begin() as connection:
                # first of all, and as a write: it locks the row until the commit, so nobody takes it over in between
                await self._write(connection, IN_FLIGHT, state=SETTLED, expires_at=self._clock() + self._kept)
                settlement = Settlement(connection)
                recorded.set([])
                try:
                    yield settlement
                    if settlement.answer is _UNANSWERED:
                        raise RuntimeError("a settlement without an answer")
                    await self._write(connection, SETTLED, **self._encoded(settlement.answer), **_about(settlement))
                    if self._witness and not recorded.get():
                        await self._witness(connection, settlement.touched)
                finally:
                    recorded.set(None)
        self.settled = True

    async def replace(self, answer: Any) -> None:
        """Keep a later answer instead: what a caller that waited was told, its repeat is told too."""
        with store_answers():
            async with self._engine.begin() as connection:
                await self._write(connection, SETTLED, **self._encoded(answer))

    async def release(self) -> None:
        """Give the key back, unless it was settled: a refusal is no answer to keep.

        Never raises for the store's sake: the caller has something to say already. The key is given back once the store
        answers, and its lease frees it too.
        """
        try:
            await give_back(self._engine, self._slot, self._owner)
        except StoreUnavailable:
            log.warning("an idempotency key could not be given back yet")
            if self._owed is not None and len(self._owed) < MOST_OWED:
                self._owed[self._owner] = self._slot

    async def _write(self, connection: AsyncConnection, expected_state: str, **values: Any) -> None:
        owned = and_(self._slot.matches(), _rows.owner == self._owner, _rows.state == expected_state)
        written = await connection.execute(update(idempotency_claims).where(owned).values(**values))
        if written.rowcount != 1:
            raise IdempotencyKeyInFlight

    def _encoded(self, answer: Any) -> dict[str, Any]:
        return stored(self._encode(answer))


async def give_back(engine: AsyncEngine, slot: Slot, owner: str) -> None:
    """Unless it was settled, or is somebody else's by now."""
    held = and_(slot.matches(), _rows.owner == owner, _rows.state == IN_FLIGHT)
    with store_answers():
        async with engine.begin() as connection:
            await connection.execute(delete(idempotency_claims).where(held))


def stored(answer: Answer) -> dict[str, Any]:
    """The columns of an answer."""
    return {
        "status": answer.status,
        "headers": msgspec.json.encode(answer.headers).decode(),
        "body": answer.body,
    }


def _about(settlement: Settlement) -> dict[str, Any]:
    return {"subject": settlement.touched.subject} if settlement.touched else {}
