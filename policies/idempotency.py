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
from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.answer import Answer
from policies.claim import Claim, Owed, Settlement, Slot, Witness, give_back, stored
from policies.errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from policies.kept import Batch
from policies.sheet import A_DAY
from policies.store import store_answers
from policies.tables import IN_FLIGHT, SETTLED, idempotency_claims

__all__ = ["REPLAYED", "Claim", "Ledger", "Settlement"]

LEASE = timedelta(seconds=60)
OVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When the lease of a process that is gone ended: before now by every clock."""
REPLAYED = {"idempotency-replayed": "true"}

_rows = idempotency_claims.c


def utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """All claims and kept answers, per client, operation and key.

    `lease` must be longer than the longest a process works before it settles, and than the clocks of replicas differ.
    `executor` names this process in its claims: who notices that a process is gone says `let_go` with its name, and
    nobody waits for the lease.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        lease: timedelta = LEASE,
        clock: Callable[[], datetime] = utc_now,
        executor: str | None = None,
    ) -> None:
        self._engine = engine
        self._lease = lease
        self._clock = clock
        self._executor = executor
        self._owed: Owed = {}

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
            return Claim(
                self._engine, slot, owner, encode=encode, clock=self._clock, kept=kept, witness=witness, owed=self._owed
            )
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

    async def let_go(self, executor: str | None) -> int:
        """A process is gone (None: all but this one): let the next caller take what it had claimed and not settled.

        It keeps what nobody took, should it come back after all; who took it is another owner, and it finds that out
        before it writes anything. Returns how many of its claims are in the middle of their settlement: those are
        decided by the end of a transaction, not by us.
        """
        whose = _rows.executor == executor if executor else _rows.executor.is_distinct_from(self._executor)
        held = and_(_rows.state == IN_FLIGHT, whose, _rows.lease_until > OVER)
        own = tuple_(_rows.client_id, _rows.operation, _rows.key)
        # not waited for: a frozen process keeps its locks for as long as the server lets it
        idle = select(_rows.client_id, _rows.operation, _rows.key).where(held).with_for_update(skip_locked=True)
        left = select(func.count()).select_from(idempotency_claims).where(held)
        with store_answers():
            async with self._engine.begin() as connection:
                await connection.execute(update(idempotency_claims).where(own.in_(idle), held).values(lease_until=OVER))
                return int(await connection.scalar(left) or 0)

    async def give_back(self) -> None:
        """What could not be given back while the store was away. Raises StoreUnavailable if it still is."""
        while self._owed:
            owner, slot = next(iter(self._owed.items()))
            await give_back(self._engine, slot, owner)
            del self._owed[owner]

    def _taking(self, slot: Slot, owner: str, fingerprint: str, kept: timedelta) -> Any:
        now = self._clock()
        fresh = {
            "fingerprint": fingerprint,
            "state": IN_FLIGHT,
            "owner": owner,
            "executor": self._executor,
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


async def purge_claims(connection: AsyncConnection, before: datetime, most: int) -> Batch:
    """Forget keys and answers that nobody may ask for any more."""
    own = tuple_(_rows.client_id, _rows.operation, _rows.key)
    some = select(_rows.client_id, _rows.operation, _rows.key).where(_rows.expires_at <= before).limit(most)
    # the time once more: a key may have been taken anew since it was found
    gone = await connection.execute(delete(idempotency_claims).where(own.in_(some), _rows.expires_at <= before))
    return Batch(gone.rowcount, more=gone.rowcount == most)


def due_claims(before: datetime) -> Select[Any]:
    return select(literal(1)).select_from(idempotency_claims).where(_rows.expires_at <= before)


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
