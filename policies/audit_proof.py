"""Is the audit whole? Recomputed page by page: entries, the chains they are in, the seals over all, the checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Row, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.audit import START, digest_of, seal_of
from policies.audit_seals import Mark, Notary, head_of
from policies.audit_tables import audit_checkpoints, audit_entries
from policies.store import store_answers

MOST_FLAWS: Final = 20

_entries, _points = audit_entries.c, audit_checkpoints.c


class Flaw(Struct, frozen=True):
    """Something that cannot be if nobody laid hands on the log; `sequence` is where."""

    sequence: int
    what: str


class Proof(Struct, frozen=True):
    """What a page of verification found. `through` is the last entry looked at; `done` if there are no more.

    `sealed_through` is the last entry under a checkpoint, `purged_through` the last one that was forgotten on purpose.
    """

    checked: int
    through: int
    done: bool
    flaws: tuple[Flaw, ...]
    head: Mark
    sealed_through: int
    sealed_at: datetime | None
    purged_through: int


async def verify(
    engine: AsyncEngine, notary: Notary, *, after: int = 0, limit: int = 1_000, seen: Mark | None = None
) -> Proof:
    """Recompute up to `limit` entries behind `after`, in one snapshot. `seen` is a mark that was kept elsewhere."""
    with store_answers():
        async with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execution_options(isolation_level="REPEATABLE READ")
            return await _verified(connection, notary, after, limit, seen)


async def _verified(connection: AsyncConnection, notary: Notary, after: int, limit: int, seen: Mark | None) -> Proof:
    head, base = await head_of(connection), await _purged(connection)
    after = max(after, base.sequence if base else 0)
    flaws: list[Flaw] = []
    seal = await _seal_at(connection, after, base, flaws)
    rows = await _page(connection, after, limit)
    expected = after
    for row in rows:
        expected += 1
        flaws.extend(Flaw(row.sequence, what) for what in _wrong(row, expected, seal, base.sequence if base else 0))
        expected, seal = row.sequence, row.seal
    done = len(rows) < limit
    points = await _checkpoints(connection, after, None if done else expected)
    flaws.extend(_misplaced(points, notary, {row.sequence: row.seal for row in rows}))
    if base is not None and not notary.knows(base):
        flaws.append(Flaw(base.sequence, "entries were purged under a checkpoint that is not signed by us"))
    if done and (head.sequence, head.seal) != (expected, seal):
        flaws.append(
            Flaw(expected, f"the log ends here, its head says {head.sequence}: entries are missing at the end")
        )
    if seen is not None:
        flaws.extend(await _unlike(connection, seen, base.sequence if base else 0))
    last = await _last_checkpoint(connection)
    return Proof(
        checked=len(rows),
        through=expected,
        done=done,
        flaws=tuple(flaws[:MOST_FLAWS]),
        head=head,
        sealed_through=last.sequence if last else 0,
        sealed_at=last.at if last else None,
        purged_through=base.sequence if base else 0,
    )


def _wrong(row: Row[Any], expected: int, seal: str, purged_through: int) -> list[str]:
    wrong = []
    if row.sequence != expected:
        wrong.append(f"entries {expected} to {row.sequence - 1} are missing")
    if digest_of(dict(row._mapping)) != row.digest:
        wrong.append("the entry does not say what it said when it was written")
    if row.sequence == expected and seal_of(seal, row.digest) != row.seal:
        wrong.append("the entry does not follow the one before it")
    if row.before_digest is None:
        # the entry before it in its chain may have been purged, never anything younger than that
        if row.position != 1 and (purged_through == 0 or row.previous == START):
            wrong.append(f"its chain {row.chain} begins with entry {row.position}")
    elif row.before_digest != row.previous:
        wrong.append(f"its chain {row.chain} is broken")
    return wrong


def _misplaced(points: Sequence[Row[Any]], notary: Notary, seals: dict[int, str]) -> list[Flaw]:
    flaws = []
    for point in points:
        if not notary.knows(point):
            flaws.append(Flaw(point.sequence, "a checkpoint here is not signed by us"))
        elif seals.get(point.sequence) != point.seal:
            flaws.append(Flaw(point.sequence, "the log is not what it was when it was sealed here"))
    return flaws


async def _unlike(connection: AsyncConnection, seen: Mark, purged_through: int) -> list[Flaw]:
    if seen.sequence == 0 or seen.sequence < purged_through:
        return []
    seal = await connection.scalar(select(_entries.seal).where(_entries.sequence == seen.sequence))
    if seal is None and seen.sequence == purged_through:
        seal = (await _purged_seal(connection, seen.sequence)) or ""
    return [] if seal == seen.seal else [Flaw(seen.sequence, "the log is not the one that this mark was taken from")]


async def _purged(connection: AsyncConnection) -> Row[Any] | None:
    last = select(audit_checkpoints).where(_points.purged.is_(True)).order_by(_points.sequence.desc()).limit(1)
    return (await connection.execute(last)).one_or_none()


async def _purged_seal(connection: AsyncConnection, sequence: int) -> str | None:
    found = select(_points.seal).where(_points.purged.is_(True), _points.sequence == sequence)
    return await connection.scalar(found)


async def _last_checkpoint(connection: AsyncConnection) -> Row[Any] | None:
    last = select(audit_checkpoints).order_by(_points.sequence.desc()).limit(1)
    return (await connection.execute(last)).one_or_none()


async def _seal_at(connection: AsyncConnection, after: int, base: Row[Any] | None, flaws: list[Flaw]) -> str:
    if base is not None and after == base.sequence:
        return str(base.seal)
    if after == 0:
        return START
    seal = await connection.scalar(select(_entries.seal).where(_entries.sequence == after))
    if seal is None:
        flaws.append(Flaw(after, "the entry to go on from is missing"))
    return seal or START


async def _page(connection: AsyncConnection, after: int, limit: int) -> Sequence[Row[Any]]:
    before = audit_entries.alias("before")
    followed = and_(before.c.chain == _entries.chain, before.c.position == _entries.position - 1)
    rows = await connection.execute(
        select(audit_entries, before.c.digest.label("before_digest"))
        .join(before, followed, isouter=True)
        .where(_entries.sequence > after)
        .order_by(_entries.sequence)
        .limit(limit)
    )
    return rows.all()


async def _checkpoints(connection: AsyncConnection, after: int, through: int | None) -> Sequence[Row[Any]]:
    within = [_points.sequence > after, *([_points.sequence <= through] if through is not None else [])]
    return (await connection.execute(select(audit_checkpoints).where(*within).order_by(_points.sequence))).all()
