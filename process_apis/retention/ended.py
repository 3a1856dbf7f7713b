"""Operations and change requests that ended long ago, with their steps and exceptions.

Never one that has not ended, never one with an exception that nobody has ended. The quote lines of an operation stay
taken for ever: they refuse a second order when nothing else remembers the first. What was done stands in the audit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from sqlalchemy import ColumnElement, Select, Table, bindparam, delete, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.kept import Batch
from process_apis.exceptions import ENDED as ENDED_EXCEPTIONS
from process_apis.exceptions import ExceptionState
from process_apis.figures.fold import READER
from process_apis.figures.tables import figures_place
from process_apis.operations import ENDED
from process_apis.order_change.models import ENDED as ENDED_CHANGES
from process_apis.order_change.tables import change_requests, change_steps
from process_apis.tables import events, exceptions, operation_steps, operations

_OPEN = sorted(set(get_args(ExceptionState)) - ENDED_EXCEPTIONS)
_STATES: dict[Table, list[str]] = {operations: sorted(ENDED), change_requests: sorted(ENDED_CHANGES)}
UNCOUNTED_FOR: Final = timedelta(days=1)
"""An operation goes so long before the first event that is not counted: the figures read it when they count its end."""


async def purge_operations(connection: AsyncConnection, before: datetime, most: int) -> Batch:
    before = await _counted(connection, before)
    return await _purge(connection, operations, operations.c.operation_id, operation_steps, before, most)


async def purge_changes(connection: AsyncConnection, before: datetime, most: int) -> Batch:
    return await _purge(connection, change_requests, change_requests.c.change_request_id, change_steps, before, most)


def due_operations(before: datetime) -> Select[Any]:
    return _due(operations, operations.c.operation_id, before)


def due_changes(before: datetime) -> Select[Any]:
    return _due(change_requests, change_requests.c.change_request_id, before)


async def _purge(  # noqa: PLR0917  a table, what belongs to it, and a bound
    connection: AsyncConnection, table: Table, key: Any, steps: Table, before: datetime, most: int
) -> Batch:
    gone: list[str] = []
    for state in _STATES[table]:
        oldest = _over(table, key, state, before).order_by(table.c.updated_at).limit(most - len(gone))
        gone += await connection.scalars(oldest)
        if len(gone) == most:
            break
    if gone:
        await _delete(connection, key, steps, gone)
    return Batch(len(gone), more=len(gone) == most)


async def _delete(connection: AsyncConnection, key: Any, steps: Table, gone: Sequence[str]) -> None:
    """One at a time, by an index whatever the planner thinks of a long list: it would rather read a whole table."""
    each = [{"gone": one} for one in gone]
    for column in (exceptions.c.subject_id, steps.c[key.name], key):
        await connection.execute(delete(column.table).where(column == bindparam("gone")), each)


def _over(table: Table, key: Any, state: str, before: datetime) -> Select[Any]:
    """By one state at a time, for which there is an index; nothing open may hang on it."""
    ended = (table.c.state == state, table.c.updated_at < before)
    return select(key).where(*ended, *_nothing_hangs_on(table, key))


def _nothing_hangs_on(table: Table, key: Any) -> tuple[ColumnElement[bool], ...]:
    """No open exception; and a change request goes by who made its order, so that operation stays while there is one.

    A subquery per row on purpose: each is one look into an index, where a join would read them all.
    """
    open_ones = _count(exceptions, exceptions.c.subject_id == key, exceptions.c.state.in_(_OPEN))
    if table is not operations:
        return (open_ones == 0,)
    order_id = operations.c.order_instance + "." + operations.c.order_number
    return open_ones == 0, _count(change_requests, change_requests.c.order_id == order_id) == 0


def _count(table: Table, *conditions: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(table).where(*conditions).scalar_subquery()


def _due(table: Table, key: Any, before: datetime) -> Select[Any]:
    each = (_over(table, key, state, before) for state in _STATES[table])
    return select(literal(1)).select_from(union_all(*each).subquery())


async def _counted(connection: AsyncConnection, before: datetime) -> datetime:
    """Not beyond what the figures have counted."""
    place = select(figures_place.c.sequence).where(figures_place.c.reader == READER).scalar_subquery()
    first = select(events.c.time).where(events.c.sequence > func.coalesce(place, 0)).order_by(events.c.sequence)
    uncounted = await connection.scalar(first.limit(1))
    return before if uncounted is None else min(before, uncounted - UNCOUNTED_FOR)
