"""A past: things that happened and ended days ago, written as the processes leave them behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis.figures.fold import fold
from process_apis.figures.process import figures_now
from process_apis.order_change.tables import change_requests, change_steps
from process_apis.tables import converted_lines, events, exceptions, operation_steps, operations
from process_apis.words import new_id

NORTH, SOUTH = "17100001", "17100002"
NOW = datetime.now(UTC)
_COMMON = {"client_id": "crm", "customer": NORTH, "correlation_id": "c-1", "run": 1, "takeovers": 0}


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


async def operation(
    store: AsyncEngine,
    *,
    ended: float,
    state: str = "completed",
    exception: str | None = None,
    order: str | None = None,
) -> str:
    """An operation that ended so many days ago, with a step, a line and perhaps an exception in this state."""
    ident, at = new_id("op"), ago(ended)
    row = {
        **_COMMON,
        "operation_id": ident,
        "kind": "quoteConversion",
        "state": state,
        "revision": 3,
        "quote_id": f"Q-{ident}",
        "quote_version": "1",
        "quote_source": "crm",
        "terms": "{}",
        "lines": "[]",
        "order_instance": "s4" if order else None,
        "order_number": order,
        "created_at": at,
        "updated_at": at,
    }
    step = {"operation_id": ident, "name": "createOrder", "position": 1, "attempts": 1, "started_at": at}
    line = {"quote_id": row["quote_id"], "quote_version": "1", "line_id": "1", "operation_id": ident}
    async with store.begin() as connection:
        await connection.execute(insert(operations).values(row))
        await connection.execute(insert(operation_steps).values(**step, unknowns=0, run=1, ended_at=at))
        await connection.execute(insert(converted_lines).values(line))
        if exception:
            await connection.execute(insert(exceptions).values(_exception("operation", ident, exception, at)))
    return ident


async def change(
    store: AsyncEngine, *, ended: float, state: str = "committed", exception: str | None = None, order: str = "s4.1"
) -> str:
    """A change request of an order."""
    ident, at = new_id("ocr"), ago(ended)
    row = {
        **_COMMON,
        "change_request_id": ident,
        "order_id": order,
        "open_order_id": order if state in ("proposed", "committing") else None,
        "state": state,
        "revision": 1,
        "version": 1,
        "wish": "{}",
        "based_on": "{}",
        "proposal": "{}",
        "conflicts": "[]",
        "expires_at": at,
        "created_at": at,
        "updated_at": at,
    }
    step = {"change_request_id": ident, "revision": 1, "name": "commit", "run": 1, "result": "{}", "ended_at": at}
    async with store.begin() as connection:
        await connection.execute(insert(change_requests).values(row))
        await connection.execute(insert(change_steps).values(step))
        if exception:
            await connection.execute(insert(exceptions).values(_exception("changeRequest", ident, exception, at)))
    return ident


async def happened(store: AsyncEngine, *days_ago: float, customer: str = NORTH, counted: bool = True) -> list[str]:
    """An event about the customer for each of these days; their ids."""
    made = []
    for days in days_ago:
        event_id = new_id("evt")
        row = {"event_id": event_id, "type": "exception.opened", "subject": "exc_1", "customer": customer}
        told = {"correlation_id": "c-1", "time": ago(days), "data": '{"code":"shortage","ownerRole":"planning"}'}
        async with store.begin() as connection:
            await connection.execute(insert(events).values(row | told))
        made.append(event_id)
    if counted:
        await fold(store)
    return made


def _exception(kind: str, subject: str, state: str, at: datetime) -> dict[str, Any]:
    return {
        "exception_id": new_id("exc"),
        "subject_kind": kind,
        "subject_id": subject,
        "position": 0,
        "customer": NORTH,
        "code": "shortage",
        "category": "availability",
        "severity": "warning",
        "step": "simulate",
        "system": "erp",
        "instance": "s4",
        "retryable": False,
        "blocking": False,
        "owner": "planning",
        "detail": "too few",
        "state": state,
        "revision": 1,
        "opened_at": at,
        "due_at": at,
        "correlation_id": "c-1",
    }


async def ids(store: AsyncEngine, column: Any) -> list[Any]:
    async with store.connect() as connection:
        return sorted(await connection.scalars(select(column)))


async def count(store: AsyncEngine, table: Any) -> int:
    async with store.connect() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


async def due_at_once(store: AsyncEngine) -> None:
    """Nobody rests any longer: the turn of every kind is now."""
    async with store.begin() as connection:
        await connection.execute(text("UPDATE retention SET next_at = '1970-01-01 00:00:00'"))


async def total(store: AsyncEngine, name: str, **labels: str) -> float:
    """A figure as it is shown."""
    return sum(one.value for one in (await figures_now(store)).totals if one.name == name and one.labels == labels)
