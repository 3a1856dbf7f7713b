"""How much stands open right now: counted over the few rows that have not ended, by the indices made for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple, get_args

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis import exceptions as words
from process_apis import operations as conversions
from process_apis.figures import names
from process_apis.figures.fold import behind
from process_apis.order_change import models as changes
from process_apis.order_change.tables import change_requests
from process_apis.quote_to_order.models import KIND
from process_apis.tables import exceptions, operations

CHANGE = "orderChange"
_OPEN_OPERATIONS = sorted(conversions.TRANSITIONS.keys() - conversions.ENDED)
_OPEN_CHANGES = sorted(changes.TRANSITIONS.keys() - changes.ENDED)
_OPEN_EXCEPTIONS = sorted(set(get_args(words.ExceptionState)) - words.ENDED)


class Stand(NamedTuple):
    """One figure with its labels, in the order in which the figure names them."""

    figure: names.Standing
    labels: tuple[str, ...]
    value: float


async def standing(connection: AsyncConnection, now: datetime) -> tuple[Stand, ...]:
    """All of them. Ages are in seconds."""
    found = [stand async for stand in _states(connection)]
    found += [stand async for stand in _waiting(connection, now)]
    found += [stand async for stand in _exceptions(connection, now)]
    return (*found, Stand(names.UNCOUNTED, (), await behind(connection)))


async def _states(connection: AsyncConnection) -> AsyncIterator[Stand]:
    for kind, table, states in (
        (KIND, operations, _OPEN_OPERATIONS),
        (CHANGE, change_requests, _OPEN_CHANGES),
    ):
        held = table.c.state
        rows = await connection.execute(select(held, func.count()).where(held.in_(states)).group_by(held))
        for state, count in rows:
            yield Stand(names.OPERATIONS, (kind, state), count)


async def _waiting(connection: AsyncConnection, now: datetime) -> AsyncIterator[Stand]:
    """Both processes wait for the same systems: one figure each."""
    waits: dict[tuple[str, str], tuple[int, datetime]] = {}
    for table in (operations, change_requests):
        held = table.c
        rows = await connection.execute(
            select(held.waiting_system, held.waiting_instance, func.count(), func.min(held.waiting_since))
            .where(held.waiting_instance.is_not(None))
            .group_by(held.waiting_system, held.waiting_instance)
        )
        for system, instance, count, since in rows:
            before, oldest = waits.get((system, instance), (0, since))
            waits[system, instance] = (before + count, min(oldest, since))
    for labels, (count, oldest) in waits.items():
        yield Stand(names.WAITING, labels, count)
        yield Stand(names.WAITING_AGE_S, labels, (now - oldest).total_seconds())


async def _exceptions(connection: AsyncConnection, now: datetime) -> AsyncIterator[Stand]:
    held = exceptions.c
    rows = await connection.execute(
        select(held.code, held.owner, held.plant, func.count(), func.min(held.opened_at))
        .where(held.state.in_(_OPEN_EXCEPTIONS))
        .group_by(held.code, held.owner, held.plant)
    )
    for code, owner, plant, count, oldest in rows:
        labels = (code, owner, plant or "")
        yield Stand(names.EXCEPTIONS, labels, count)
        yield Stand(names.EXCEPTIONS_AGE_S, labels, (now - oldest).total_seconds())
    late = await connection.execute(
        select(held.owner, func.count()).where(held.state.in_(_OPEN_EXCEPTIONS), held.due_at < now).group_by(held.owner)
    )
    for owner, count in late:
        yield Stand(names.OVERDUE, (owner,), count)
