"""The broom behind the conversions: starts what was received but never started, and brings to light what broke."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis import exception_rows
from process_apis import operation_rows as rows
from process_apis.durable import Durable
from process_apis.exceptions import DEAD_LETTER, OPERATION_BROKEN, Finding
from process_apis.operations import ENDED, TRANSITIONS, Operation, State
from process_apis.quote_to_order.letting_go import let_go
from process_apis.quote_to_order.models import KIND
from process_apis.stepping import utc_now
from process_apis.tables import operations
from process_apis.takeover import MOST_TAKEOVERS
from process_apis.telling import tell
from process_apis.turns import engine_id

SWEEP_EVERY_S = 5.0
UNTOUCHED_FOR = timedelta(seconds=2)
MOST_AT_ONCE = 200
PICK_UP_EVERY_S = 1.0
PICKED_UP_AFTER = timedelta(seconds=1)
"""Until then whoever received it, or heard the bell, is about to start it."""
log = logging.getLogger("ordergate.conversions")


async def sweep(store: AsyncEngine, durable: Durable) -> None:
    """One pass over the operations that should move and did not."""
    async with store.connect() as connection:
        still = await rows.unfinished(
            connection, kind=KIND, untouched_since=utc_now() - UNTOUCHED_FOR, limit=MOST_AT_ONCE
        )
    stopped = await durable.stopped_among([engine_id(one.operation_id, one.run) for one in still])
    for operation in still:
        if engine_id(operation.operation_id, operation.run) in stopped:
            detail = f"the operation broke in {operation.state} for a reason no rule foresaw; the log has it"
            await _bring_to_light(store, operation, OPERATION_BROKEN, detail)
        elif operation.state == "received" or (operation.run > 1 and operation.executor is None):
            await durable.start_once(KIND, operation.operation_id, operation.run)


async def pick_up(store: AsyncEngine, durable: Durable) -> None:
    """Start what was received, the oldest first, as far as there is room: others may have had none, or be gone."""
    if durable.room <= 0:
        return
    async with store.connect() as connection:
        waiting = await rows.received(
            connection, kind=KIND, before=utc_now() - PICKED_UP_AFTER, limit=min(durable.room, MOST_AT_ONCE)
        )
    for operation_id, run in waiting:
        await durable.start_once(KIND, operation_id, run)


async def after_death(store: AsyncEngine, operation_id: str, run: int) -> bool:
    """A process died with this operation in its hands: may another one try? If not, somebody has to look at it."""
    async with store.begin() as connection:
        died = await rows.count_takeover(connection, operation_id, run)
        operation = await rows.load(connection, operation_id)
    if operation is None or operation.state in ENDED or operation.state == "actionRequired":
        return False
    if died <= MOST_TAKEOVERS:
        return True
    detail = f"{died} processes in a row died over one step in {operation.state}; it is not tried again"
    await _bring_to_light(store, operation, DEAD_LETTER, detail)
    return False


async def _bring_to_light(store: AsyncEngine, operation: Operation, code: str, detail: str) -> None:
    """Its workflow will do nothing more, and no rule said so: somebody has to look at it."""
    state: State = "failed" if "failed" in TRANSITIONS[operation.state] else "actionRequired"
    at = utc_now()
    finding = Finding(code, detail, "ordergate", "ordergate", blocking=True)
    async with store.begin() as connection:
        unmoved = operations.c.revision == operation.revision
        moved = await rows.change(
            connection, operation.operation_id, at, unmoved, state=state, waiting_for=None, retry_at=None
        )
        broken = await rows.load(connection, operation.operation_id)
        if not moved or broken is None:
            return
        if state == "failed":  # before the pivot: there is no order
            await let_go(connection, broken, at)
        await exception_rows.report(connection, broken, operation.state, (finding,), at)
        await tell(connection, broken, f"quote.conversion.{state}")
    log.error("operation %s broke in %s and is now %s", operation.operation_id, operation.state, state)
