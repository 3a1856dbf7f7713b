"""The steps of an operation in the store: what a step was tried, when, and whether a write of its may be under way."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.tables import operation_steps


class Tried(NamedTuple):
    """A step that is tried: its name, the system it asks, the operation's state meanwhile, and in which run."""

    name: str
    system: str | None
    state: str
    run: int


async def begin(connection: AsyncConnection, operation_id: str, tried: Tried, at: datetime) -> None:
    """Count an attempt at a step."""
    said = {"system": tried.system, "state": tried.state, "run": tried.run}
    again = await connection.execute(
        update(operation_steps)
        .where(operation_steps.c.operation_id == operation_id, operation_steps.c.name == tried.name)
        .values(attempts=operation_steps.c.attempts + 1, ended_at=None, outcome=None, result=None, **said)
    )
    if cast("CursorResult[Any]", again).rowcount == 0:
        position = select(func.count()).where(operation_steps.c.operation_id == operation_id).scalar_subquery()
        await connection.execute(
            insert(operation_steps).values(
                operation_id=operation_id, name=tried.name, position=position, attempts=1, started_at=at, **said
            )
        )


async def end(  # noqa: PLR0917  the columns of an end, in their order
    connection: AsyncConnection,
    operation_id: str,
    name: str,
    outcome: str,
    at: datetime,
    result: str | None = None,
    *,
    number: int | None = None,
) -> None:
    """`result` is what came of it, as JSON, for a later run; None if that has to do it again. `number`: which of the
    run's steps it was."""
    await _set(connection, operation_id, name, outcome=outcome, ended_at=at, result=result, number=number)


async def interrupt(
    connection: AsyncConnection, operation_id: str, at: datetime, *conditions: ColumnElement[bool]
) -> None:
    """Whoever was at a step of the operation is not any more, if the conditions hold."""
    await connection.execute(
        update(operation_steps)
        .where(operation_steps.c.operation_id == operation_id, operation_steps.c.ended_at.is_(None), *conditions)
        .values(outcome="interrupted", ended_at=at)
    )


async def result_before(connection: AsyncConnection, operation_id: str, name: str, run: int, number: int) -> str | None:
    """What a run before this one brought about in a step, or this very run in this very step, before its process died
    without telling the engine."""
    this_one = and_(operation_steps.c.run == run, operation_steps.c.number == number)
    return await connection.scalar(
        select(operation_steps.c.result).where(
            operation_steps.c.operation_id == operation_id,
            operation_steps.c.name == name,
            (operation_steps.c.run < run) | this_one,
        )
    )


async def state_of_last(connection: AsyncConnection, operation_id: str) -> str | None:
    """The operation's state while the last of its steps was at work: there a later run goes on."""
    return await connection.scalar(
        select(operation_steps.c.state)
        .where(operation_steps.c.operation_id == operation_id)
        .order_by(operation_steps.c.position.desc())
        .limit(1)
    )


async def stated(connection: AsyncConnection, operation_id: str, name: str) -> str | None:
    """What an operator found out about the outcome of a step, as JSON."""
    return await connection.scalar(
        select(operation_steps.c.stated).where(
            operation_steps.c.operation_id == operation_id, operation_steps.c.name == name
        )
    )


async def unanswered(connection: AsyncConnection, operation_id: str, name: str) -> int:
    """So many writes of this step have left the house and were never answered."""
    sent = await connection.scalar(
        select(operation_steps.c.unknowns).where(
            operation_steps.c.operation_id == operation_id, operation_steps.c.name == name
        )
    )
    return int(sent or 0)


async def begin_anew(connection: AsyncConnection, operation_id: str, name: str, stated: str | None = None) -> None:
    """An operator has a step tried again; with `stated`, knowing what became of its earlier attempts."""
    await _set(connection, operation_id, name, stated=stated, unknowns=0)


async def attempt_settles_at(connection: AsyncConnection, operation_id: str, name: str) -> datetime | None:
    """When looking up an earlier write of this step becomes conclusive; None if there was no such write."""
    return await connection.scalar(
        select(operation_steps.c.settled_at).where(
            operation_steps.c.operation_id == operation_id, operation_steps.c.name == name
        )
    )


async def set_attempt(
    connection: AsyncConnection, operation_id: str, name: str, *, at: datetime, settled_at: datetime
) -> None:
    """Remember, before it is sent, that a write is about to leave the house."""
    sent = operation_steps.c.unknowns + 1
    await _set(connection, operation_id, name, attempted_at=at, settled_at=settled_at, unknowns=sent)


async def set_settled(
    connection: AsyncConnection, operation_id: str, name: str, at: datetime, *, answered: bool
) -> None:
    """When looking the last write up becomes conclusive; `answered`: it was said what became of it."""
    unknowns = operation_steps.c.unknowns - 1 if answered else operation_steps.c.unknowns
    await _set(connection, operation_id, name, settled_at=at, unknowns=unknowns)


async def _set(connection: AsyncConnection, operation_id: str, name: str, **values: Any) -> None:
    await connection.execute(
        update(operation_steps)
        .where(operation_steps.c.operation_id == operation_id, operation_steps.c.name == name)
        .values(**values)
    )
