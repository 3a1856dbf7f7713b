"""The totals are a fold over the outbox: each event is counted once, whichever replica comes to it first.

Nothing on the way of an operation counts anything, a killed process forgets nothing, and every replica shows the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from process_apis import operation_rows as rows
from process_apis.exception_news import OPENED
from process_apis.figures import counting
from process_apis.figures.counting import Addition
from process_apis.figures.tables import figures, figures_place
from process_apis.operations import ENDED
from process_apis.order_change.models import ENDED as ENDED_CHANGES
from process_apis.tables import events

FOLD_EVERY_S = 2.0
AT_ONCE = 500
READER = "figures"
_CONVERSION, _CHANGE = "quote.conversion.", "order.change."
_ENDED_CONVERSION = frozenset(_CONVERSION + state for state in ENDED)
_ENDED_CHANGE = frozenset(_CHANGE + state for state in ENDED_CHANGES)


async def fold(store: AsyncEngine) -> None:
    """Count whatever was told since the last time."""
    while await _fold_some(store) == AT_ONCE:
        pass


async def behind(connection: AsyncConnection) -> int:
    """So many events are not counted yet."""
    place = select(figures_place.c.sequence).where(figures_place.c.reader == READER).scalar_subquery()
    asked = select(func.count()).select_from(events).where(events.c.sequence > func.coalesce(place, 0))
    return int(await connection.scalar(asked) or 0)


async def _fold_some(store: AsyncEngine) -> int:
    async with store.begin() as connection:
        place = await _place(connection)
        asked = select(events).where(events.c.sequence > place).order_by(events.c.sequence).limit(AT_ONCE)
        told = (await connection.execute(asked)).all()
        if told:
            await add(connection, [one async for one in _additions(connection, told)])
            await connection.execute(
                update(figures_place).where(figures_place.c.reader == READER).values(sequence=told[-1].sequence)
            )
    return len(told)


async def _place(connection: AsyncConnection) -> int:
    """How far the totals go; the row is locked, so that two replicas do not count the same events."""
    await connection.execute(
        _insert(connection)(figures_place).values(reader=READER, sequence=0).on_conflict_do_nothing()
    )
    asked = select(figures_place.c.sequence).where(figures_place.c.reader == READER).with_for_update()
    return int(await connection.scalar(asked) or 0)


async def _additions(connection: AsyncConnection, told: Sequence[Row[Any]]) -> AsyncIterator[Addition]:
    ended = {event.subject: event.time for event in told if event.type in _ENDED_CONVERSION}
    steps = await rows.steps_of(connection, *ended)
    for ident, operation in (await rows.loaded(connection, ended)).items():
        for one in counting.of_conversion(operation, steps[ident], ended[ident]):
            yield one
    for event in told:
        if event.type == OPENED:
            yield counting.of_exception(msgspec.json.decode(event.data))
        elif event.type in _ENDED_CHANGE:
            yield counting.of_change(event.type.removeprefix(_CHANGE))


async def add(connection: AsyncConnection, additions: Iterable[Addition]) -> None:
    """In the transaction of what is counted."""
    sums: Counter[tuple[str, str]] = Counter()
    for one in additions:
        sums[one.name, one.labels] += one.amount  # type: ignore[assignment]  # seconds are no whole numbers
    for (name, labels), amount in sums.items():
        adding = _insert(connection)(figures).values(name=name, labels=labels, total=amount)
        await connection.execute(
            adding.on_conflict_do_update(
                index_elements=["name", "labels"], set_={"total": figures.c.total + adding.excluded.total}
            )
        )


def _insert(connection: AsyncConnection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
