"""What happened, told in order: events are written in the transaction of the change they tell of.

The pull feed gives CloudEvents 1.0 (JSON event format), at least once and in order, to those who may see them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.access import rows_of
from policies.clients import Client
from policies.turn import take_turn
from process_apis.caller import Caller
from process_apis.errors import EventsForgotten, Fault, RequestFaulty
from process_apis.tables import events, events_gone
from process_apis.words import Instant, View, new_id

SOURCE = "/v1"
MOST_EVENTS = 100
_WRITE = insert(events)
EVENT_ID = re.compile("evt_[0-9A-Z]{26}")


class Event(View, frozen=True, rename=None):
    """A CloudEvent 1.0. `subject` is the id of what changed; `sequence`, `correlationid` and
    `traceparent` are extensions. `sequence` counts the events of all clients, and is null for partners."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: Instant
    datacontenttype: str
    sequence: str | None
    correlationid: str
    traceparent: str | None
    data: dict[str, Any]


class EventPage(View, frozen=True):
    """Events in order. `next` is what to send as `after` next time; an empty page repeats what was sent."""

    events: tuple[Event, ...]
    next: str | None


async def append_event(
    connection: AsyncConnection,
    type_: str,
    *,
    subject: str,
    customer: str,
    correlation_id: str,
    traceparent: str | None,
    data: dict[str, Any],
) -> str:
    """Write an event into the caller's transaction; its id."""
    # Numbers are drawn before the commit. Without a turn, a reader could see 8 and move on before 7 is committed.
    await take_turn(connection)
    event_id = new_id("evt")
    await connection.execute(
        _WRITE,
        {
            "event_id": event_id,
            "type": type_,
            "subject": subject,
            "customer": customer,
            "correlation_id": correlation_id,
            "traceparent": traceparent,
            "time": datetime.now(UTC),
            "data": msgspec.json.encode(data).decode(),
        },
    )
    return event_id


async def list_events(
    caller: Caller, _request: None, *, store: AsyncEngine, after: str | None = None, limit: int = MOST_EVENTS
) -> EventPage:
    """The events after `after` (an event id) that the client may see, oldest first. Raises EventsForgotten."""
    async with store.connect() as connection:
        start = await _sequence_of(connection, caller.client, after) if after else 0
        rows = await connection.execute(
            select(events)
            .where(events.c.sequence > start, rows_of(caller.client, events.c.customer))
            .order_by(events.c.sequence)
            .limit(max(1, min(limit, MOST_EVENTS)))
        )
        page = tuple(_event(row, caller.client) for row in rows)
        if after:  # asked last: what was purged while we read is not skipped either
            await _refuse_if_missed(connection, caller.client, after, start)
    return EventPage(page, page[-1].id if page else after)


async def _sequence_of(connection: AsyncConnection, client: Client, event_id: str) -> int:
    """0 for an event that may have been one once."""
    if not event_id.isprintable():  # PostgreSQL cannot be asked for a NUL
        raise _unknown(event_id)
    named = select(events.c.sequence).where(events.c.event_id == event_id, rows_of(client, events.c.customer))
    return int(await connection.scalar(named) or 0)


async def _refuse_if_missed(connection: AsyncConnection, client: Client, event_id: str, start: int) -> None:
    """Only events that the client may see count, so a foreign event is as unknown as one that never was."""
    gone = events_gone.c
    visible = rows_of(client, gone.customer)
    through, last = (
        await connection.execute(select(func.max(gone.sequence), func.max(gone.event_id)).where(visible))
    ).one()
    if not start and (last is None or not EVENT_ID.fullmatch(event_id) or event_id > last):
        raise _unknown(event_id)
    if (through or 0) > start:
        raise EventsForgotten(event_id)


def _unknown(event_id: str) -> RequestFaulty:
    return RequestFaulty((Fault("#/after", f"no event {event_id}", "unknown-event"),))


def _event(row: Row[Any], reader: Client) -> Event:
    """Its number tells how much has happened here, so a partner could count what others do between two of its own."""
    number = f"{row.sequence:020d}"  # sorts as text, as the CloudEvents sequence extension asks
    return Event(
        specversion="1.0",
        id=row.event_id,
        source=SOURCE,
        type=row.type,
        subject=row.subject,
        time=row.time,
        datacontenttype="application/json",
        sequence=number if reader.disclosure == "internal" else None,
        correlationid=row.correlation_id,
        traceparent=row.traceparent,
        data=msgspec.json.decode(row.data),
    )
