"""The broom behind the conversions: starts what was received but never started, and brings to light what broke."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis import operation_rows as rows
from process_apis.durable import Durable
from process_apis.exceptions import Finding, after_step, opened
from process_apis.operations import TRANSITIONS, Operation, State
from process_apis.quote_to_order.models import KIND
from process_apis.stepping import tell, utc_now
from process_apis.tables import operations

SWEEP_EVERY_S = 5.0
UNTOUCHED_FOR = timedelta(seconds=2)
MOST_AT_ONCE = 200
log = logging.getLogger("ordergate.conversions")


async def sweep(store: AsyncEngine, durable: Durable) -> None:
    """One pass over the operations that should move and did not."""
    async with store.connect() as connection:
        still = await rows.unfinished(
            connection, kind=KIND, untouched_since=utc_now() - UNTOUCHED_FOR, limit=MOST_AT_ONCE
        )
    stopped = await durable.stopped_among([one.operation_id for one in still])
    for operation in still:
        if operation.operation_id in stopped:
            await _bring_to_light(store, operation)
        elif operation.state == "received":
            await durable.start_once(KIND, operation.operation_id)


async def _bring_to_light(store: AsyncEngine, operation: Operation) -> None:
    """Its workflow will do nothing more, and no rule said so: somebody has to look at it."""
    state: State = "failed" if "failed" in TRANSITIONS[operation.state] else "actionRequired"
    detail = f"the operation broke in {operation.state} for a reason no rule foresaw; the log has it"
    at = utc_now()
    finding = Finding("operation-broken", detail, "ordergate", "ordergate", blocking=True)
    fresh = opened(finding, step=operation.state, at=at, correlation_id=operation.correlation_id)
    exceptions = after_step(operation.exceptions, operation.state, (fresh,))
    async with store.begin() as connection:
        unmoved = operations.c.revision == operation.revision
        moved = await rows.change(
            connection, operation.operation_id, at, unmoved, state=state, exceptions=exceptions, waiting_for=None
        )
        broken = await rows.load(connection, operation.operation_id)
        if not moved or broken is None:
            return
        if state == "failed":  # before the pivot: there is no order, the lines are free again
            await rows.release_lines(connection, operation.operation_id)
        await tell(connection, broken, f"quote.conversion.{state}")
    log.error("operation %s broke in %s and is now %s", operation.operation_id, operation.state, state)
