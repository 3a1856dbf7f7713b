"""The steps of an operation in the store: what a step was tried, when, and whether a write of its may be under way."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Insert, Row, Select, Update, and_, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
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
    first = {"operation_id": operation_id, "attempts": 1, "started_at": at, "unknowns": 0, **tried._asdict()}
    await connection.execute(_beginning(connection.dialect.name), {"of_operation": operation_id, **first})


@cache
def _beginning(dialect: str) -> Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    steps, others = operation_steps.c, operation_steps.alias()
    position = select(func.count()).where(others.c.operation_id == bindparam("of_operation")).scalar_subquery()
    first: postgresql.Insert | sqlite.Insert = insert(operation_steps).values(position=position)
    once_more = {"attempts": steps.attempts + 1, "ended_at": None, "outcome": None, "result": None}
    said = {name: first.excluded[name] for name in ("system", "state", "run")}
    return first.on_conflict_do_update(index_elements=["operation_id", "name"], set_={**once_more, **said})


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


async def before(connection: AsyncConnection, operation_id: str, name: str) -> Row[Any] | None:
    """What is known of the earlier writes of a step. `stated` is what an operator found out about its outcome, as JSON;
    `settled_at` when looking up an earlier write becomes conclusive, None if there was none; `unknowns` how many have
    left the house and were never answered."""
    steps = operation_steps.c
    known: Select[Any] = select(steps.stated, steps.settled_at, steps.unknowns)
    where = known.where(steps.operation_id == operation_id, steps.name == name)
    found: Row[Any] | None = (await connection.execute(where)).one_or_none()
    return found


async def begin_anew(connection: AsyncConnection, operation_id: str, name: str, stated: str | None = None) -> None:
    """An operator has a step tried again; with `stated`, knowing what became of its earlier attempts."""
    await _set(connection, operation_id, name, stated=stated, unknowns=0)


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
    given = {f"to_{column}": value for column, value in values.items() if not isinstance(value, ColumnElement)}
    counted = {column: value for column, value in values.items() if isinstance(value, ColumnElement)}
    setting = _setting(frozenset(given)).values(counted) if counted else _setting(frozenset(given))
    await connection.execute(setting, {"of_operation": operation_id, "of_name": name, **given})


@cache
def _setting(given: frozenset[str]) -> Update:
    steps = operation_steps.c
    this = (steps.operation_id == bindparam("of_operation"), steps.name == bindparam("of_name"))
    return update(operation_steps).where(*this).values({each.removeprefix("to_"): bindparam(each) for each in given})
