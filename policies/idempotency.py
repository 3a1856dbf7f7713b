"""Once: a key is claimed by one call, and its answer is kept for the repeats.

A claim is a row. Whoever inserts it, or takes over one whose lease ran out, owns it; the owner's token fences off a
former owner that wakes up later. The answer is stored in the transaction of the process, so neither exists alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import ColumnElement, Row, and_, delete, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.answer import Answer
from policies.claim import Claim, Settlement, Slot, Witness, stored
from policies.errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from policies.sheet import A_DAY
from policies.store import store_answers
from policies.tables import IN_FLIGHT, SETTLED, idempotency_claims

__all__ = ["REPLAYED", "Claim", "Ledger", "Settlement"]

LEASE = timedelta(seconds=60)
MOST_PURGED = 5_000
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
        return None if row is None or _is_free(row, now) else _judge(row, fingerprint, now)

    async def claim(
        self,
        client_id: str,
        operation: str,
        key: str,
        fingerprint: str,
        *,
        encode: Callable[[Any], Answer],
        kept: timedelta = A_DAY,
        witness: Witness | None = None,
    ) -> Claim | Answer:
        """The key, for this call alone; or the answer, if another call settled it a moment ago.

        One statement decides, on both stores: of any number of calls at the same time exactly one gets the row back.
        """
        slot, owner = Slot(client_id, operation, key), uuid4().hex
        with store_answers():
            async with self._engine.begin() as connection:
                won = (await connection.execute(self._taking(slot, owner, fingerprint, kept))).one_or_none()
        if won is not None:
            return Claim(self._engine, slot, owner, encode=encode, clock=self._clock, kept=kept, witness=witness)
        answer = await self.look_up(client_id, operation, key, fingerprint)
        if answer is None:  # released between the two statements: the caller comes again and finds it free
            raise IdempotencyKeyInFlight
        return answer

    async def renew(self, client_id: str, operation: str, key: str, fingerprint: str, *, answer: Answer) -> None:
        """Keep what became of it instead of "under way": from now on a repeat is told the end, word for word."""
        slot = Slot(client_id, operation, key)
        same = and_(slot.matches(), _rows.fingerprint == fingerprint, _rows.state == SETTLED)
        with store_answers():
            async with self._engine.begin() as connection:
                await connection.execute(update(idempotency_claims).where(same).values(**stored(answer)))

    async def purge(self, *, at_once: int = MOST_PURGED) -> int:
        """Forget what nobody may ask for any more; returns how many.

        Bit by bit: after a long pause all of it in one statement would take longer than the store is given to answer,
        be taken back, and take longer still the next time.
        """
        over = _rows.expires_at <= self._clock()
        own = tuple_(_rows.client_id, _rows.operation, _rows.key)
        some = select(_rows.client_id, _rows.operation, _rows.key).where(over).limit(at_once)
        forgotten = 0
        while True:
            with store_answers():
                async with self._engine.begin() as connection:
                    # `over` once more: a key may have been taken anew since it was found
                    gone = await connection.execute(delete(idempotency_claims).where(own.in_(some), over))
            forgotten += gone.rowcount
            if gone.rowcount < at_once:
                return forgotten

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
            "subject": None,
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


def _judge(row: Row[Any], fingerprint: str, now: datetime) -> Answer:
    if row.fingerprint != fingerprint:
        raise IdempotencyKeyReused("the key was used before with another payload")
    if row.state != SETTLED:
        raise IdempotencyKeyInFlight(_again_in_s(row, now))
    headers = {**msgspec.json.decode(row.headers, type=dict[str, str]), **REPLAYED}
    return Answer(row.status, headers, row.body, row.subject)


def _again_in_s(row: Row[Any], now: datetime) -> int:
    """As long again as the first call has been at work, and never beyond the end of its lease.

    Most calls end within a second. One that has been at work for long is probably of a process that died: its repeats
    come a handful of times, and the last of them just when the key is free.
    """
    so_far_s: float = (now - row.created_at).total_seconds()
    left_s: float = (row.lease_until - now).total_seconds()
    return max(1, min(ceil(so_far_s), ceil(left_s)))
