"""Operations in the store: rows to structs and back, and the few ways in which a row may change.

Every function works in the caller's transaction. Whoever writes, writes first and reads afterwards: SQLite then takes
its write lock at once instead of failing half-way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import msgspec
from sqlalchemy import ColumnElement, CursorResult, Row, bindparam, case, exists, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from policies.access import rows_of
from policies.clients import Client
from process_apis import exception_rows, step_rows
from process_apis.exceptions import ExceptionView
from process_apis.operations import ENDED, TRANSITIONS, Operation, OperationLine, State, Step, WaitingFor, before
from process_apis.promises import PromiseOutcome
from process_apis.tables import exceptions, operation_steps, operations

_lines = msgspec.json.Decoder(tuple[OperationLine, ...])
_promise = msgspec.json.Decoder(PromiseOutcome)
# Named one by one: an index finds what is in a list, and reads everything for what is not.
_MOVING = sorted(TRANSITIONS.keys() - ENDED - {"actionRequired"})
_HAS_MET = exists().where(exceptions.c.subject_id == operations.c.operation_id).label("has_met")
_this = operations.c.operation_id == bindparam("of_operation")
_ONE = select(operations, _HAS_MET).where(_this)
_OURS = select(operations.c.operation_id).where(
    _this, operations.c.state == bindparam("of_state"), operations.c.executor == bindparam("of_executor")
)
_WAITING = ("system", "instance", "since", "reason", "until")


def _values(changes: dict[str, Any]) -> dict[str, Any]:
    values = dict(changes)
    if "lines" in values:
        values["lines"] = msgspec.json.encode(values["lines"]).decode()
    if values.get("promise") is not None:
        values["promise"] = msgspec.json.encode(values["promise"]).decode()
    if "waiting_for" in values:
        values |= waiting_columns(values.pop("waiting_for"))
    return values


def waiting_columns(waiting: WaitingFor | None) -> dict[str, Any]:
    """The neighbour that is waited for, in columns of its own: operators ask for them, and figures are made of them."""
    if waiting is None:
        return {f"waiting_{name}": None for name in _WAITING}
    return {
        "waiting_system": waiting.system,
        "waiting_instance": waiting.instance[:255],
        "waiting_since": waiting.since,
        "waiting_reason": waiting.reason,
        "waiting_until": waiting.ends_at,
    }


def waiting_in(held: dict[str, Any]) -> WaitingFor | None:
    """The neighbour that is waited for, taken out of the columns of a row."""
    system, instance, since, reason, until = (held.pop(f"waiting_{name}") for name in _WAITING)
    return WaitingFor(system, instance, since, reason=reason, ends_at=until) if system else None


def _operation(row: Row[Any], exceptions: tuple[ExceptionView, ...]) -> Operation:
    held = dict(row._mapping)
    held.pop("has_met", None)
    held["lines"] = _lines.decode(held["lines"])
    held["promise"] = _promise.decode(held["promise"]) if held["promise"] else None
    held["waiting_for"] = waiting_in(held)
    return Operation(**held, exceptions=exceptions)


async def _operations(connection: AsyncConnection, rows: Iterable[Row[Any]]) -> tuple[Operation, ...]:
    found = list(rows)
    exceptions = await exception_rows.of(connection, *(row.operation_id for row in found))
    return tuple(_operation(row, exceptions[row.operation_id]) for row in found)


async def insert_operation(connection: AsyncConnection, operation: Operation) -> None:
    columns = _values(msgspec.structs.asdict(operation))
    del columns["exceptions"]  # it has none yet; a step that meets one reports it
    await connection.execute(insert(operations).values(columns))


async def load(connection: AsyncConnection, operation_id: str) -> Operation | None:
    row = (await connection.execute(_ONE, {"of_operation": operation_id})).one_or_none()
    return None if row is None else await whole(connection, row)


async def loaded(connection: AsyncConnection, operation_ids: Collection[str]) -> dict[str, Operation]:
    """Those of these operations that there are."""
    found = await connection.execute(select(operations).where(operations.c.operation_id.in_(operation_ids)))
    return {one.operation_id: one for one in await _operations(connection, found)}


async def whole(connection: AsyncConnection, row: Row[Any]) -> Operation:
    """The operation of such a row, with its exceptions: most have met none."""
    met = (await exception_rows.of(connection, row.operation_id))[row.operation_id] if row.has_met else ()
    return _operation(row, met)


async def steps_of(connection: AsyncConnection, *operation_ids: str) -> dict[str, tuple[Step, ...]]:
    """The steps of each of these operations, in the order in which they were begun."""
    found = await connection.execute(
        select(operation_steps)
        .where(operation_steps.c.operation_id.in_(operation_ids))
        .order_by(operation_steps.c.operation_id, operation_steps.c.position)
    )
    steps: dict[str, tuple[Step, ...]] = dict.fromkeys(operation_ids, ())
    for row in found:
        step = Step(row.name, row.started_at, row.ended_at, row.attempts, row.system, row.outcome)
        steps[row.operation_id] += (step,)
    return steps


async def page(
    connection: AsyncConnection, client: Client, *, older_than: str | None, limit: int
) -> tuple[Operation, ...]:
    """The newest operations that the client may see; ids sort by time, so an id is the place to go on from."""
    visible = rows_of(client, operations.c.customer)
    place = operations.c.operation_id < older_than if older_than else true()
    rows = await connection.execute(
        select(operations).where(visible, place).order_by(operations.c.operation_id.desc()).limit(limit)
    )
    return await _operations(connection, rows)


async def unfinished(
    connection: AsyncConnection, *, kind: str, untouched_since: datetime, limit: int
) -> tuple[Operation, ...]:
    """Operations that should be moving but have not changed for a while, the longest first; those that wait for a
    decision, as they may for days, after all others."""
    parked = case((operations.c.state == "awaitingDecision", 1), else_=0)
    rows = await connection.execute(
        select(operations)
        .where(
            operations.c.kind == kind,
            operations.c.state.in_(_MOVING),
            operations.c.updated_at < untouched_since,
        )
        .order_by(parked, operations.c.updated_at)
        .limit(limit)
    )
    return await _operations(connection, rows)


async def received(
    connection: AsyncConnection, *, kind: str, before: datetime, limit: int
) -> Sequence[tuple[str, int]]:
    """Operations that nobody has begun (and their runs), the oldest first."""
    rows = await connection.execute(
        select(operations.c.operation_id, operations.c.run)
        .where(operations.c.kind == kind, operations.c.state == "received", operations.c.updated_at < before)
        .order_by(operations.c.operation_id)
        .limit(limit)
    )
    return [(row.operation_id, row.run) for row in rows]


async def change(
    connection: AsyncConnection, operation_id: str, at: datetime, *conditions: ColumnElement[bool], **changes: Any
) -> bool:
    """Change a row if the conditions hold; its revision moves with it."""
    done = await connection.execute(
        update(operations)
        .where(operations.c.operation_id == operation_id, *conditions)
        .values(revision=operations.c.revision + 1, updated_at=at, **_values(changes))
    )
    return cast("CursorResult[Any]", done).rowcount == 1


async def enter(
    connection: AsyncConnection,
    operation_id: str,
    state: State,
    at: datetime,
    *,
    executor: str | None,
    stay: bool = False,
    **changes: Any,
) -> Row[Any] | None:
    """Move to `state` if the table of transitions lets us, or (`stay`) be there already, and `executor` still owns the
    operation. The row as it is then (`whole`); None if nothing was changed."""
    origins = before(state) | ({state} if stay else set())
    return await _written(connection, operation_id, at, executor, origins, {"state": state, **changes})


async def keep_to(
    connection: AsyncConnection, operation_id: str, at: datetime, *, executor: str, **changes: Any
) -> Row[Any] | None:
    """Change a row in whatever state it is, if `executor` still owns the operation; as `enter` otherwise."""
    return await _written(connection, operation_id, at, executor, None, changes)


async def _written(  # noqa: PLR0917  those of `enter`
    connection: AsyncConnection,
    operation_id: str,
    at: datetime,
    executor: str | None,
    origins: frozenset[State] | None,
    changes: dict[str, Any],
) -> Row[Any] | None:
    values = {f"to_{name}": value for name, value in _values({**changes, "updated_at": at}).items()}
    by_whom = {"of_executor": executor} if executor else {}
    changing = _changing(frozenset(values), origins, owned=bool(executor))
    done: CursorResult[Any] = await connection.execute(changing, {"of_operation": operation_id, **by_whom, **values})
    return done.one_or_none()


@cache
def _changing(values: frozenset[str], origins: frozenset[State] | None, *, owned: bool) -> ReturningUpdate[Any]:
    """Built once for each way in which a step changes a row, of which there are few: it costs as much as asking."""
    held = operations.c
    conditions = [_this]
    if origins is not None:
        conditions.append(held.state.in_(sorted(origins)))
    if owned:
        conditions.append(held.executor == bindparam("of_executor"))
    columns: dict[str, Any] = {name.removeprefix("to_"): bindparam(name) for name in values}
    changing = update(operations).where(*conditions).values(revision=held.revision + 1, **columns)
    return changing.returning(*held, _HAS_MET)


async def is_ours(connection: AsyncConnection, operation_id: str, state: State, *, executor: str) -> bool:
    """Are we still the ones who act, and is the operation still where we think it is?"""
    asked = {"of_operation": operation_id, "of_state": state, "of_executor": executor}
    return await connection.scalar(_OURS, asked) is not None


async def take_over(connection: AsyncConnection, operation_id: str, executor: str, *, run: int = 1) -> Row[Any] | None:
    """From now on `executor`, one execution of this run, acts; whoever acted before finds out before its next write to
    a neighbour. The row (`whole`); None: there is a later run, or no such operation. A step that was under way is not
    any more.

    The step's row first: so do those who begin and end steps, and two who lock in turns wait for each other.
    """
    of_this_run = exists().where(operations.c.operation_id == operation_id, operations.c.run == run)
    await step_rows.interrupt(connection, operation_id, datetime.now(UTC), of_this_run)
    done = await connection.execute(
        update(operations)
        .where(operations.c.operation_id == operation_id, operations.c.run == run)
        .values(executor=executor)
        .returning(*operations.c, _HAS_MET)
    )
    return done.one_or_none()


async def count_takeover(connection: AsyncConnection, operation_id: str, run: int) -> int:
    """A process died with this run in its hands: how many have by now, over the step that was under way. 0: it was
    between two steps, which kills nobody."""
    steps = select(operation_steps.c.name).where(operation_steps.c.operation_id == operation_id)
    under_way = steps.where(operation_steps.c.ended_at.is_(None)).exists()
    done = await connection.execute(
        update(operations)
        .where(
            operations.c.operation_id == operation_id,
            operations.c.run == run,
            operations.c.state.in_(_MOVING),
            under_way,
        )
        .values(takeovers=operations.c.takeovers + 1)
    )
    if cast("CursorResult[Any]", done).rowcount == 0:
        return 0
    return await connection.scalar(select(operations.c.takeovers).where(operations.c.operation_id == operation_id)) or 0
