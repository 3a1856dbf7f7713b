"""Events are kept for a while: long enough for every reader to come by. Who comes later is told so.

The last event about each customer stays. So a reader who has seen everything always finds the event that it goes on
from, however long nothing happened; and only who has missed something is told that it did.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.kept import MOST_COUNTED, Batch
from process_apis.figures.fold import READER
from process_apis.figures.tables import figures_place
from process_apis.tables import events, events_gone

_gone = events_gone.c


async def purge_events(connection: AsyncConnection, before: datetime, most: int) -> Batch:
    """The oldest ones. One that the figures have not counted yet stays until they have."""
    oldest = _followed().with_only_columns(events.c.sequence, events.c.customer, events.c.event_id, events.c.time)
    found = (await connection.execute(oldest.order_by(events.c.sequence).limit(most))).all()
    over = [row for row in found if row.time < before]
    if over:
        await _remember(connection, over)
        await connection.execute(delete(events).where(events.c.sequence.in_([row.sequence for row in over])))
    return Batch(len(over), more=len(over) == most)


def due_events(before: datetime) -> Select[Any]:
    """Counted among the oldest ones only: there is no index on the time, and none is needed to purge."""
    head = select(events.c.sequence).order_by(events.c.sequence).limit(MOST_COUNTED).subquery()
    among = events.c.sequence.in_(select(head.c.sequence))
    return _followed().with_only_columns(literal(1)).where(events.c.time < before, among)


def _followed() -> Select[Any]:
    """Counted events behind which there is another one about the same customer. A subquery per row on purpose: each is
    one look into an index, where a join would read them all."""
    later = events.alias("later")
    last = select(func.max(later.c.sequence)).where(later.c.customer == events.c.customer).scalar_subquery()
    counted = select(figures_place.c.sequence).where(figures_place.c.reader == READER).scalar_subquery()
    return select(events).where(events.c.sequence <= counted, events.c.sequence < last)


async def _remember(connection: AsyncConnection, over: Iterable[Any]) -> None:
    """How far each customer's events are gone."""
    server = connection.dialect.name == "postgresql"
    insert: Any = postgresql.insert if server else sqlite.insert
    larger: Any = func.greatest if server else func.max
    through: dict[str, tuple[int, str]] = {}
    for row in over:
        sequence, event_id = through.get(row.customer, (0, ""))
        through[row.customer] = max(sequence, row.sequence), max(event_id, row.event_id)
    for customer, (sequence, event_id) in sorted(through.items()):
        adding = insert(events_gone).values(customer=customer, sequence=sequence, event_id=event_id)
        last = {
            "sequence": larger(_gone.sequence, adding.excluded.sequence),
            "event_id": larger(_gone.event_id, adding.excluded.event_id),
        }
        await connection.execute(adding.on_conflict_do_update(index_elements=["customer"], set_=last))
