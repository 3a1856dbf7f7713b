"""Operations in the store: rows to structs and back, and the few ways in which a row may change.

Every function works in the caller's transaction. Whoever writes, writes first and reads afterwards: SQLite then takes
its write lock at once instead of failing half-way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from sqlalchemy import ColumnElement, CursorResult, Row, case, delete, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.clients import Client
from process_apis.exceptions import ExceptionView
from process_apis.operations import ENDED, Operation, OperationLine, State, Step, WaitingFor, before
from process_apis.tables import converted_lines, operation_steps, operations

_lines = msgspec.json.Decoder(tuple[OperationLine, ...])
_exceptions = msgspec.json.Decoder(tuple[ExceptionView, ...])
_waiting = msgspec.json.Decoder(WaitingFor)
_JSON_COLUMNS = frozenset({"lines", "exceptions", "waiting_for"})


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _values(changes: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _text(value) if name in _JSON_COLUMNS and value is not None else value for name, value in changes.items()
    }


def _operation(row: Row[Any]) -> Operation:
    held = dict(row._mapping)
    held["lines"] = _lines.decode(held["lines"])
    held["exceptions"] = _exceptions.decode(held["exceptions"])
    held["waiting_for"] = _waiting.decode(held["waiting_for"]) if held["waiting_for"] else None
    return Operation(**held)


async def insert_operation(connection: AsyncConnection, operation: Operation) -> None:
    await connection.execute(insert(operations).values(_values(msgspec.structs.asdict(operation))))


async def load(connection: AsyncConnection, operation_id: str) -> Operation | None:
    row = (await connection.execute(select(operations).where(operations.c.operation_id == operation_id))).one_or_none()
    return _operation(row) if row else None


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
    visible: ColumnElement[bool] = true() if "*" in client.customers else operations.c.customer.in_(client.customers)
    place = operations.c.operation_id < older_than if older_than else true()
    rows = await connection.execute(
        select(operations).where(visible, place).order_by(operations.c.operation_id.desc()).limit(limit)
    )
    return tuple(_operation(row) for row in rows)


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
            operations.c.state.not_in([*ENDED, "actionRequired"]),
            operations.c.updated_at < untouched_since,
        )
        .order_by(parked, operations.c.updated_at)
        .limit(limit)
    )
    return tuple(_operation(row) for row in rows)


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
    connection: AsyncConnection, operation_id: str, state: State, at: datetime, *, executor: str | None, **changes: Any
) -> bool:
    """Move to `state` if the table of transitions lets us and `executor` still owns the operation."""
    return await change(
        connection,
        operation_id,
        at,
        operations.c.state.in_(sorted(before(state))),
        *_owned_by(executor),
        state=state,
        **changes,
    )


async def is_ours(connection: AsyncConnection, operation_id: str, state: State, *, executor: str) -> bool:
    """Are we still the ones who act, and is the operation still where we think it is?"""
    found = await connection.scalar(
        select(operations.c.operation_id).where(
            operations.c.operation_id == operation_id, operations.c.state == state, *_owned_by(executor)
        )
    )
    return found is not None


async def take_over(connection: AsyncConnection, operation_id: str, executor: str) -> None:
    """From now on `executor` acts; whoever acted before finds out before its next write to a neighbour."""
    await connection.execute(
        update(operations).where(operations.c.operation_id == operation_id).values(executor=executor)
    )


def _owned_by(executor: str | None) -> tuple[ColumnElement[bool], ...]:
    return (operations.c.executor == executor,) if executor else ()


async def claim_lines(
    connection: AsyncConnection, quote_id: str, version: str, line_ids: Sequence[str], operation_id: str
) -> None:
    """Raises IntegrityError if one of the lines is held by another operation."""
    rows = [
        {"quote_id": quote_id, "quote_version": version, "line_id": line_id, "operation_id": operation_id}
        for line_id in line_ids
    ]
    await connection.execute(insert(converted_lines), rows)


async def holder_of(connection: AsyncConnection, quote_id: str, version: str, line_ids: Sequence[str]) -> str | None:
    return await connection.scalar(
        select(converted_lines.c.operation_id)
        .where(
            converted_lines.c.quote_id == quote_id,
            converted_lines.c.quote_version == version,
            converted_lines.c.line_id.in_(line_ids),
        )
        .limit(1)
    )


async def release_lines(connection: AsyncConnection, operation_id: str, line_ids: Sequence[str] | None = None) -> None:
    """Let these lines (or all) of the operation be converted by another one."""
    chosen = converted_lines.c.line_id.in_(line_ids) if line_ids is not None else true()
    await connection.execute(delete(converted_lines).where(converted_lines.c.operation_id == operation_id, chosen))
