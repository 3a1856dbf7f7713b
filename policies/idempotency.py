"""Once: a key is claimed by one call, and its answer is kept for the repeats.

A claim is a row. Whoever inserts it, or takes over one whose lease ran out, owns it; the owner's token fences off a
former owner that wakes up later. The answer is stored in the transaction of the process, so neither exists alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import ColumnElement, Row, and_, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.answer import Answer
from policies.claim import Claim, Settlement, Slot
from policies.errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from policies.sheet import A_DAY
from policies.store import store_answers
from policies.tables import IN_FLIGHT, SETTLED, idempotency_claims

__all__ = ["REPLAYED", "Claim", "Ledger", "Settlement"]

LEASE = timedelta(seconds=60)
REPLAYED = {"idempotency-replayed": "true"}

_rows = idempotency_claims.c


def utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """All claims and kept answers, per client, operation and key.

    `lease` must be longer than the longest a process works before it settles, and than the clocks of replicas differ.
    """

    def __init__(
        self, engine: AsyncEngine, *, lease: timedelta = LEASE, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._engine = engine
        self._lease = lease
        self._clock = clock

    async def look_up(self, client_id: str, operation: str, key: str, fingerprint: str) -> Answer | None:
        """The kept answer, or None if the call may go ahead and claim the key."""
        now, slot = self._clock(), Slot(client_id, operation, key)
        with store_answers():
            async with self._engine.connect() as connection:
                row = (await connection.execute(select(idempotency_claims).where(slot.matches()))).one_or_none()
        return None if row is None or _is_free(row, now) else _judge(row, fingerprint)

    async def claim(
        self,
        client_id: str,
        operation: str,
        key: str,
        fingerprint: str,
        *,
        encode: Callable[[Any], Answer],
        kept: timedelta = A_DAY,
    ) -> Claim | Answer:
        """The key, for this call alone; or the answer, if another call settled it a moment ago.

        One statement decides, on both stores: of any number of calls at the same time exactly one gets the row back.
        """
        slot, owner = Slot(client_id, operation, key), uuid4().hex
        with store_answers():
            async with self._engine.begin() as connection:
                won = (await connection.execute(self._taking(slot, owner, fingerprint, kept))).one_or_none()
        if won is not None:
            return Claim(self._engine, slot, owner, encode=encode, clock=self._clock, kept=kept)
        answer = await self.look_up(client_id, operation, key, fingerprint)
        if answer is None:  # released between the two statements: the caller comes again and finds it free
            raise IdempotencyKeyInFlight
        return answer

    async def purge(self) -> int:
        """Forget what nobody may ask for any more; returns how many."""
        with store_answers():
            async with self._engine.begin() as connection:
                gone = await connection.execute(delete(idempotency_claims).where(_rows.expires_at <= self._clock()))
        return gone.rowcount

    def _taking(self, slot: Slot, owner: str, fingerprint: str, kept: timedelta) -> Any:
        now = self._clock()
        fresh = {
            "fingerprint": fingerprint,
            "state": IN_FLIGHT,
            "owner": owner,
            "lease_until": now + self._lease,
            "expires_at": now + self._lease + kept,
            "created_at": now,
            "status": None,
            "headers": None,
            "body": None,
        }
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        return (
            insert(idempotency_claims)
            .values(**slot._asdict(), **fresh)
            .on_conflict_do_update(index_elements=list(Slot._fields), set_=fresh, where=_free(now))
            .returning(_rows.owner)
        )


def _free(now: datetime) -> ColumnElement[bool]:
    """The row stands in nobody's way: its holder is gone without settling, or its answer is no longer kept."""
    return or_(and_(_rows.state == IN_FLIGHT, _rows.lease_until <= now), _rows.expires_at <= now)


def _is_free(row: Row[Any], now: datetime) -> bool:
    return bool((row.state == IN_FLIGHT and row.lease_until <= now) or row.expires_at <= now)


def _judge(row: Row[Any], fingerprint: str) -> Answer:
    if row.fingerprint != fingerprint:
        raise IdempotencyKeyReused("the key was used before with another payload")
    if row.state != SETTLED:
        raise IdempotencyKeyInFlight
    return Answer(row.status, {**msgspec.json.decode(row.headers, type=dict[str, str]), **REPLAYED}, row.body)
