"""Exceptions as operators work them off: found, taken care of, ended with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.audit import Touched
from process_apis import exception_news, exception_rows
from process_apis.caller import Caller
from process_apis.cursors import cursor_of, place_in
from process_apis.errors import DecisionNotPossible, NoSuchThing, VersionStale
from process_apis.exceptions import ENDED, Subject
from process_apis.operating.acts import account_for, claim_of, refuse_stale
from process_apis.operating.looking import filter_name
from process_apis.operating.models import (
    ACTIVE,
    Because,
    ExceptionOutcome,
    ExceptionQuery,
    OperatorException,
    OperatorExceptions,
)
from process_apis.operating.showing import operator_exception
from process_apis.seals import Seals
from process_apis.tables import exceptions

KIND = "exception"
_held = exceptions.c


async def list_exceptions(
    caller: Caller, _request: None, *, store: AsyncEngine, seals: Seals, **asked: Any
) -> OperatorExceptions:
    """The exceptions of all operations and change requests, the most urgent first."""
    wanted = ExceptionQuery(**asked)
    now, listed = datetime.now(UTC), filter_name(KIND, wanted)
    after = place_in(wanted.cursor, caller.client, listed, seals) if wanted.cursor else None
    async with store.connect() as connection:
        rows = await connection.execute(
            select(exceptions)
            .where(*_wanted(wanted, now), *_behind(after))
            .order_by(_held.due_at, _held.exception_id)
            .limit(wanted.limit + 1)
        )
        found = list(rows)
    page = found[: wanted.limit]
    more = f"{page[-1].due_at.isoformat()}|{page[-1].exception_id}" if len(found) > wanted.limit else None
    return OperatorExceptions(
        tuple(operator_exception(row, now) for row in page),
        cursor_of(caller.client, listed, more, seals) if more else None,
    )


async def get_exception(_caller: Caller, _request: None, *, exception_id: str, store: AsyncEngine) -> OperatorException:
    """One exception with all that is known about it."""
    async with store.connect() as connection:
        return operator_exception(await _row(connection, exception_id), datetime.now(UTC))


async def acknowledge_exception(
    caller: Caller, request: Because, *, exception_id: str, store: AsyncEngine
) -> OperatorException:
    """Somebody has seen it and takes care. Its due time stays."""
    async with store.connect() as connection:
        before = await _row(connection, exception_id)
    async with claim_of(caller).settle() as settlement:
        now, connection = datetime.now(UTC), settlement.connection
        by = caller.client.client_id
        if not await exception_rows.acknowledge(
            connection, now, by, request.reason, _held.exception_id == exception_id
        ):
            raise DecisionNotPossible(KIND, exception_id, (await _row(connection, exception_id)).state)
        return await _accounted(connection, caller, "exception.acknowledge", before, request.reason, settlement)


async def resolve_exception(
    caller: Caller, request: ExceptionOutcome, *, exception_id: str, store: AsyncEngine
) -> OperatorException:
    """End it: its cause is gone, or we live with it. What the operation does is not touched by that."""
    async with store.connect() as connection:
        before = await _row(connection, exception_id)
    seen = operator_exception(before, datetime.now(UTC))
    if before.state in ENDED:
        raise DecisionNotPossible(KIND, exception_id, before.state)
    refuse_stale(caller, KIND, exception_id, seen.etag)
    async with claim_of(caller).settle() as settlement:
        now, connection = datetime.now(UTC), settlement.connection
        ending = exception_rows.Ending(request.resolution, now, caller.client.client_id, request.reason)
        if not await exception_rows.end(connection, exception_id, ending, seen_revision=before.revision):
            raise VersionStale(KIND, exception_id, seen.etag)
        about = _subject(before)
        await exception_news.tell(connection, about, seen, exception_news.RESOLVED, state=request.resolution)
        return await _accounted(connection, caller, "exception.resolve", before, request.reason, settlement)


async def _accounted(  # noqa: PLR0917  the parts of one deed
    connection: AsyncConnection, caller: Caller, act: str, before: Row[Any], reason: str, settlement: Any
) -> OperatorException:
    now = datetime.now(UTC)
    after = await _row(connection, before.exception_id)
    touched = Touched(
        subject=before.exception_id,
        outcome=after.state,
        order_id=before.order_id,
        customer=before.customer,
        reason=reason,
        before={"state": before.state},
        after={"state": after.state, "code": after.code, before.subject_kind: before.subject_id},
    )
    await account_for(connection, caller, act, touched, now)
    settlement.answer = answer = operator_exception(after, now)
    return answer


async def _row(connection: AsyncConnection, exception_id: str) -> Row[Any]:
    row = (await connection.execute(select(exceptions).where(_held.exception_id == exception_id))).one_or_none()
    if row is None:
        raise NoSuchThing(KIND, exception_id)
    return row


def _subject(row: Row[Any]) -> Subject:
    return Subject(row.subject_kind, row.subject_id, row.customer, row.correlation_id, row.traceparent, row.order_id)


def _behind(after: str | None) -> Iterator[ColumnElement[bool]]:
    """`after` is the due time and the id of the last one that is known."""
    if after is not None:
        due, _, ident = after.partition("|")
        due_at = datetime.fromisoformat(due)
        yield or_(_held.due_at > due_at, and_(_held.due_at == due_at, _held.exception_id > ident))


def _wanted(wanted: ExceptionQuery, now: datetime) -> Iterator[ColumnElement[bool]]:
    if wanted.state == "active":
        yield _held.state.in_(sorted(ACTIVE))
    elif wanted.state != "any":
        yield _held.state == wanted.state
    for column, value in (
        (_held.code, wanted.code),
        (_held.owner, wanted.owner),
        (_held.plant, wanted.plant),
        (_held.customer, wanted.customer),
        (_held.subject_id, wanted.subject_id),
    ):
        if value is not None:
            yield column == value
    if wanted.overdue:
        yield and_(_held.state.in_(sorted(ACTIVE)), _held.due_at <= now)
