"""Seals on the audit: sign where it stands, and forget the old part without breaking the rest.

What a database administrator can still do: take the triggers away, cut the log back and rewrite its head. Nothing up to
the last checkpoint can be rewritten without a key of ours; a cut is seen by whoever kept a mark (`sequence:seal`)
outside the database, and the log of the process gets one with every checkpoint.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, Select, delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.audit_tables import audit_checkpoints, audit_entries, audit_head
from policies.kept import Batch
from policies.store import store_answers
from policies.turn import take_turn

_entries, _points = audit_entries.c, audit_checkpoints.c


class Mark(Struct, frozen=True):
    """A place in the log and the seal over everything up to it. Kept elsewhere, it proves a cut or a rewriting."""

    sequence: int
    seal: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.seal}"


class Notary:
    """Signs checkpoints. The first key signs, all of them verify; they are the keys that seal tokens, set apart."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [hmac.digest(key.encode(), b"ordergate audit checkpoint", "sha256") for key in keys]

    def sign(self, sequence: int, seal: str, at: datetime, *, purged: bool) -> str:
        return hmac.digest(self._keys[0], _said(sequence, seal, at, purged=purged), "sha256").hex()

    def knows(self, point: Row[Any]) -> bool:
        said = _said(point.sequence, point.seal, point.at, purged=point.purged)
        return any(hmac.compare_digest(hmac.digest(key, said, "sha256").hex(), point.mac) for key in self._keys)


async def checkpoint(engine: AsyncEngine, notary: Notary, at: datetime) -> Mark | None:
    """Sign where the log stands, if it has moved since the last time; any number of replicas may try."""
    with store_answers():
        async with engine.begin() as connection:
            await take_turn(connection)
            head = await head_of(connection)
            last = await connection.scalar(select(func.max(_points.sequence)).where(_points.purged.is_(False)))
            if head.sequence <= (last or 0):
                return None
            await _sign(connection, notary, head, at, purged=False)
    return head


async def purge_audit(notary: Notary, connection: AsyncConnection, before: datetime, most: int) -> Batch:
    """Forget a bounded number of the oldest entries. A signed checkpoint stands in their place: the log goes on from
    there and can be verified as before. Older checkpoints go too; nothing is left to compare them with.

    Without the turn of those who write: they touch other entries, and a chain goes on from its last one or begins anew.
    """
    oldest = select(_entries.sequence, _entries.at, _entries.seal).order_by(_entries.sequence).limit(most)
    over = list(takewhile(lambda entry: entry.at < before, await connection.execute(oldest)))
    if not over:
        return Batch(0, more=False)
    last = Mark(over[-1].sequence, over[-1].seal)
    await _sign(connection, notary, last, datetime.now(UTC), purged=True)
    gone = await connection.execute(delete(audit_entries).where(_entries.sequence <= last.sequence))
    await connection.execute(delete(audit_checkpoints).where(_points.sequence < last.sequence))
    return Batch(gone.rowcount, more=len(over) == most)


def due_audit(before: datetime) -> Select[Any]:
    return select(literal(1)).select_from(audit_entries).where(_entries.at < before)


async def head_of(connection: AsyncConnection) -> Mark:
    row = (await connection.execute(select(audit_head))).one()
    return Mark(row.sequence, row.seal)


async def _sign(connection: AsyncConnection, notary: Notary, mark: Mark, at: datetime, *, purged: bool) -> None:
    await connection.execute(
        insert(audit_checkpoints).values(
            sequence=mark.sequence,
            purged=purged,
            seal=mark.seal,
            at=at,
            mac=notary.sign(mark.sequence, mark.seal, at, purged=purged),
        )
    )


def _said(sequence: int, seal: str, at: datetime, *, purged: bool) -> bytes:
    return f"{sequence}|{seal}|{at.astimezone(UTC).isoformat(timespec='microseconds')}|{bool(purged)}".encode()
