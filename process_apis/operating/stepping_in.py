"""Operators stepping in where an operation cannot go on by itself: try again, say what became of it, stop it.

What is stated about a neighbour is looked at there before anything goes on with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis import exception_rows
from process_apis.caller import Caller
from process_apis.durable import Durable
from process_apis.errors import DecisionNotPossible, Fault, NoSuchThing, RequestFaulty, VersionStale
from process_apis.landscape import Landscape
from process_apis.operating import changes, conversions, listing
from process_apis.operating.acts import account_for, claim_of, refuse_stale
from process_apis.operating.deeds import Deed
from process_apis.operating.looking import KIND, shown
from process_apis.operating.models import Because, OperatedOperation, OperationOutcome
from process_apis.operating.showing import etag_of
from process_apis.tables import exceptions


@dataclass(frozen=True, slots=True)
class Desk:
    """What a deed is done with: who does it, why, and on what."""

    caller: Caller
    reason: str
    store: AsyncEngine
    landscape: Landscape
    durable: Durable


async def retry_operation(
    caller: Caller,
    request: Because,
    *,
    operation_id: str,
    store: AsyncEngine,
    landscape: Landscape,
    durable: Durable,
) -> OperatedOperation:
    """Go on where it stopped. What was done is not done again; an order that may exist is looked for first."""
    row = await _stuck(caller, operation_id, store)
    desk = Desk(caller, request.reason, store, landscape, durable)
    if row.kind == listing.CHANGE_KIND:
        return await _settled(desk, row, "operation.retry", changes.resumed(row))
    return await _settled(desk, row, "operation.retry", conversions.resumed(row))


async def resolve_operation(
    caller: Caller,
    request: OperationOutcome,
    *,
    operation_id: str,
    store: AsyncEngine,
    landscape: Landscape,
    durable: Durable,
) -> OperatedOperation:
    """Say what became of it: the order that was found, that there is none, or that the rest was done by hand."""
    row = await _stuck(caller, operation_id, store)
    desk = Desk(caller, request.reason, store, landscape, durable)
    if (request.outcome == "orderFound") != (request.order_id is not None):
        fault = Fault("#/orderId", "belongs to the outcome orderFound, and only to it", "outcome-malformed")
        raise RequestFaulty((fault,))
    outcomes = changes.OUTCOMES if row.kind == listing.CHANGE_KIND else conversions.OUTCOMES
    outcome = outcomes.get(request.outcome)
    if outcome is None:
        said = f"of this kind of operation it is one of {', '.join(sorted(outcomes))}"
        raise RequestFaulty((Fault("#/outcome", said, "outcome-not-possible"),))
    deed = await outcome(row, request, store, landscape, caller.deadline)
    return await _settled(desk, row, f"operation.resolve.{request.outcome}", deed)


async def cancel_operation_by_hand(
    caller: Caller, request: Because, *, operation_id: str, store: AsyncEngine, durable: Durable, landscape: Landscape
) -> OperatedOperation:
    """Stop a conversion before there is an order; its quote lines may be converted again."""
    row = await _found(operation_id, store)
    if row.kind == listing.CHANGE_KIND:  # a proposal is its caller's to withdraw, a commit is not undone
        raise DecisionNotPossible("change request", operation_id, row.state)
    desk = Desk(caller, request.reason, store, landscape, durable)
    stopped = await _settled(desk, row, "operation.cancel", conversions.stopped(row))
    durable.deliver_decision(operation_id)
    return stopped


async def _found(operation_id: str, store: AsyncEngine) -> Row[Any]:
    async with store.connect() as connection:
        row = await listing.find(connection, operation_id)
    if row is None:
        raise NoSuchThing(KIND, operation_id)
    return row


async def _stuck(caller: Caller, operation_id: str, store: AsyncEngine) -> Row[Any]:
    """An operation that nobody goes on with, at the version that the operator has seen."""
    row = await _found(operation_id, store)
    if row.state != "actionRequired":
        raise DecisionNotPossible(KIND, operation_id, row.state)
    refuse_stale(caller, KIND, operation_id, etag_of(row.ident, row.version))
    return row


async def _settled(desk: Desk, row: Row[Any], act: str, deed: Deed) -> OperatedOperation:
    """The deed, who did it and why, and the answer, in one transaction; whatever has to run starts after it."""
    by = desk.caller.client.client_id
    async with claim_of(desk.caller).settle() as settlement:
        connection, now = settlement.connection, datetime.now(UTC)
        if not await deed.write(connection, now):
            raise VersionStale(KIND, row.ident, etag_of(row.ident, row.version))
        held = exceptions.c
        stopping = held.subject_id == row.ident, held.blocking, held.line_id.is_(None)
        await exception_rows.acknowledge(connection, now, by, desk.reason, *stopping)
        touched = await deed.told(connection, now, exception_rows.Ending("resolved", now, by, desk.reason))
        await account_for(connection, desk.caller, act, touched, now)
        settlement.answer = answer = await shown(connection, row.ident)
    if deed.starts is not None:
        workflow, engine_id, run = deed.starts
        await desk.durable.start_once(workflow, engine_id, run=run)
    return answer
