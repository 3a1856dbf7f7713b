"""Exceptions in the store: opened and resolved with the change they come from, told in the same transaction.

Every function works in the caller's transaction and comes after the rows of the matter itself: events take turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Row, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.exception_news import OPENED, RESOLVED, tell
from process_apis.exceptions import (
    ENDED,
    DetectedBy,
    ExceptionState,
    ExceptionView,
    Finding,
    Owner,
    SourceMessage,
    Subject,
    compared,
    ended,
    opened,
)
from process_apis.tables import exceptions, operations

BY_ITSELF = "system"
"""Who ended an exception whose cause went away."""
_held = exceptions.c


class _Line(Struct, rename="camel"):
    line_id: str
    plant: str
    item: str | None = None


_lines = msgspec.json.Decoder(tuple[_Line, ...])


async def of(connection: AsyncConnection, *subject_ids: str) -> dict[str, tuple[ExceptionView, ...]]:
    """The exceptions of each of these operations or change requests, in the order of their opening."""
    found: dict[str, tuple[ExceptionView, ...]] = dict.fromkeys(subject_ids, ())
    if not subject_ids:
        return found
    rows = await connection.execute(
        select(exceptions).where(_held.subject_id.in_(subject_ids)).order_by(_held.subject_id, _held.position)
    )
    for row in rows:
        found[row.subject_id] += (view_of(row),)
    return found


class Matter(Protocol):
    """What has exceptions: an operation, a change request."""

    @property
    def subject(self) -> Subject: ...

    @property
    def exceptions(self) -> tuple[ExceptionView, ...]: ...


class Ending(Struct, frozen=True):
    """How an exception ends: in which state, when, by whom, and why if a person did it."""

    state: ExceptionState
    at: datetime
    by: str = BY_ITSELF
    reason: str | None = None


async def report(
    connection: AsyncConnection, matter: Matter, step: str, findings: Iterable[Finding], at: datetime
) -> None:
    """Bring the exceptions of a step in line with what it finds now.

    New ones open, gone ones are resolved; one that was there before keeps its id, its clock and who looks after it.
    """
    about, now = matter.subject, compared(matter.exceptions, step, findings)
    for before, finding in now.again:
        await _retell(connection, before, finding)
    fresh = [opened(one, step=step, at=at, correlation_id=about.correlation_id) for one in now.new]
    if fresh:
        await insert_all(connection, about, fresh, after=len(matter.exceptions))
    await end_these(connection, about, now.gone, Ending("resolved", at), fresh)


async def insert_all(
    connection: AsyncConnection, about: Subject, fresh: Sequence[ExceptionView], *, after: int = 0
) -> None:
    """New exceptions behind the `after` that the subject has already. Their events are the caller's to tell."""
    if not about.plants and about.order_id is not None:
        about = replace(about, plants=await _plants_of(connection, about.order_id))
    await connection.execute(
        insert(exceptions),
        [_columns(about, one, position) for position, one in enumerate(fresh, start=after)],
    )


async def _plants_of(connection: AsyncConnection, order_id: str) -> dict[str, str]:
    """The plants of an order's lines and items, if it was made here."""
    instance, _, number = order_id.partition(".")
    made = operations.c
    held = await connection.scalar(
        select(made.lines).where(made.order_instance == instance, made.order_number == number).limit(1)
    )
    lines = _lines.decode(held) if held else ()
    return {name: line.plant for line in lines for name in (line.line_id, line.item) if name}


async def hold(connection: AsyncConnection, subject_id: str) -> None:
    """Nobody else changes the exceptions of this matter until the commit.

    For who tells events and changes further exceptions after that: telling takes the turn, and whoever waits for a row
    with the turn in hand may wait for one who waits for the turn.
    """
    mine = select(_held.exception_id).where(_held.subject_id == subject_id).order_by(_held.exception_id)
    await connection.execute(mine.with_for_update())


async def end_all(connection: AsyncConnection, matter: Matter, ending: Ending) -> None:
    """End whatever still stands open: its matter is over."""
    await end_these(connection, matter.subject, [one for one in matter.exceptions if not ended(one)], ending)


async def end_these(
    connection: AsyncConnection,
    about: Subject,
    over: Iterable[ExceptionView],
    ending: Ending,
    fresh: Iterable[ExceptionView] = (),
) -> None:
    """All rows first, the events after them."""
    gone = [one for one in over if await end(connection, one.exception_id, ending)]
    for one in fresh:
        await tell(connection, about, one, OPENED)
    for one in gone:
        await tell(connection, about, one, RESOLVED, state=ending.state)


async def acknowledge(
    connection: AsyncConnection, at: datetime, by: str, reason: str, *conditions: ColumnElement[bool]
) -> int:
    """Somebody has seen those that are open and takes care; how many there were."""
    done = await connection.execute(
        update(exceptions)
        .where(_held.state.in_(("open", "proposed")), *conditions)
        .values(
            state="acknowledged", acknowledged_at=at, acknowledged_by=by, reason=reason, revision=_held.revision + 1
        )
    )
    return done.rowcount


async def end(
    connection: AsyncConnection, exception_id: str, ending: Ending, *, seen_revision: int | None = None
) -> bool:
    """End one, if it has not ended yet and still is what its ender has seen. Its event is the caller's to tell."""
    unmoved = true() if seen_revision is None else _held.revision == seen_revision
    values = {"state": ending.state, "ended_at": ending.at, "ended_by": ending.by, "revision": _held.revision + 1}
    if ending.reason:
        values["reason"] = ending.reason
    done = await connection.execute(
        update(exceptions)
        .where(_held.exception_id == exception_id, _held.state.not_in(sorted(ENDED)), unmoved)
        .values(values)
    )
    return done.rowcount == 1


async def _retell(connection: AsyncConnection, before: ExceptionView, finding: Finding) -> None:
    if (before.detail, before.blocking, before.source_message) == (finding.detail, finding.blocking, finding.source):
        return
    await connection.execute(
        update(exceptions)
        .where(_held.exception_id == before.exception_id)
        .values(
            detail=finding.detail,
            blocking=finding.blocking,
            severity="error" if finding.blocking else "warning",
            **_source(finding.source),
            revision=_held.revision + 1,
        )
    )


def view_of(row: Row[Any]) -> ExceptionView:
    """A row in the schema of contract §4."""
    said = SourceMessage(row.source_code or "", row.source_text or "") if row.source_code is not None else None
    return ExceptionView(
        exception_id=row.exception_id,
        code=row.code,
        category=row.category,
        severity=row.severity,
        step=row.step,
        detected_by=DetectedBy(row.system, row.instance),
        retryable=row.retryable,
        blocking=row.blocking,
        owner=Owner(row.owner),
        state=row.state,
        opened_at=row.opened_at,
        due_at=row.due_at,
        correlation_id=row.correlation_id,
        detail=row.detail,
        line_id=row.line_id,
        source_message=said,
    )


def _source(said: SourceMessage | None) -> dict[str, str | None]:
    """A neighbour's own words, as PostgreSQL takes them: without NUL."""
    if said is None:
        return {"source_code": None, "source_text": None}
    return {"source_code": said.code.replace("\0", "")[:255], "source_text": said.text.replace("\0", "")}


def _columns(about: Subject, one: ExceptionView, position: int) -> dict[str, Any]:
    said = one.source_message
    return {
        "exception_id": one.exception_id,
        "subject_kind": about.kind,
        "subject_id": about.ident,
        "position": position,
        "order_id": about.order_id,
        "customer": about.customer,
        "plant": about.plant_of(one.line_id),
        "line_id": one.line_id,
        "code": one.code,
        "category": one.category,
        "severity": one.severity,
        "step": one.step,
        "system": one.detected_by.system,
        "instance": one.detected_by.instance,
        **_source(said),
        "retryable": one.retryable,
        "blocking": one.blocking,
        "owner": one.owner.role,
        "detail": one.detail,
        "state": one.state,
        "revision": 1,
        "opened_at": one.opened_at,
        "due_at": one.due_at,
        "correlation_id": one.correlation_id,
        "traceparent": about.traceparent,
    }
