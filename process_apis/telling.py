"""What a finished step leaves in our tables, and how others are told of it, in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.entries import record_outcome
from process_apis.exceptions import Finding
from process_apis.operations import Operation, State, order_id_of
from process_apis.outbox import append_event


class News(Struct, frozen=True):
    """Something that others care about beside the operation itself: an event about `subject`, and what it tells."""

    event: str
    subject: str
    data: dict[str, Any] = {}


class Note(Struct, frozen=True):
    """What a finished step leaves in our tables, in one transaction: columns, findings, events, perhaps a new state.

    `release` names the quote lines that another operation may convert from now on; None releases none. A later run
    takes what the step brought about as it is, unless it is to be done `anew`. `outcome` is how the step is shown.
    `over`: exceptions about the whole, by code, that an earlier step foresaw and that are not so (any more).
    """

    columns: dict[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    state: State | None = None
    event: str | None = None
    release: tuple[str, ...] = ()
    anew: bool = False
    news: tuple[News, ...] = ()
    outcome: str = "ok"
    over: frozenset[str] = frozenset()


def say_nothing(_value: Any) -> Note:
    return Note()


async def tell(
    connection: AsyncConnection, operation: Operation, event: str, *, subject: str | None = None, **more: Any
) -> None:
    """Write an event about the operation, and what came of it into the audit, in the transaction that changed it.

    `subject` is what the event is about, if that is not the operation but the order; `more` are further members.
    """
    await append_event(
        connection,
        event,
        subject=subject or operation.operation_id,
        customer=operation.customer,
        correlation_id=operation.correlation_id,
        traceparent=operation.traceparent,
        data={
            "operationId": operation.operation_id,
            "quoteId": operation.quote_id,
            "quoteVersion": operation.quote_version,
            "state": operation.state,
            "orderId": order_id_of(operation),
            **more,
        },
    )
    await record_outcome(connection, operation, event, datetime.now(UTC))
