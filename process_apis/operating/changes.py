"""Stepping in at a change request whose commit broke: go on with it, or say what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.audit import Touched
from process_apis import exception_rows
from process_apis.errors import Fault, NoSuchThing, RequestFaulty
from process_apis.exception_rows import Ending
from process_apis.landscape import Landscape
from process_apis.operating.deeds import Deed
from process_apis.operating.models import OperationOutcome
from process_apis.order_change import kept, rows
from process_apis.order_change.attempts import Went
from process_apis.order_change.commit import WORKFLOW
from process_apis.order_change.entries import touched
from process_apis.order_change.models import ChangeRequest, State
from process_apis.order_change.rules import is_applied
from process_apis.order_change.telling import tell
from process_apis.orders.tables import raise_revision
from system_apis.deadline import Deadline

KIND = "change request"
Outcome = Callable[[Row[Any], OperationOutcome, AsyncEngine, Landscape, Deadline], Awaitable[Deed]]


def resumed(row: Row[Any]) -> Deed:
    """The commit once more: what it did already is found done."""

    async def write(connection: AsyncConnection, now: datetime) -> bool:
        return await _move(connection, row, "committing", now, run=row.run + 1, takeovers=0)

    async def told(connection: AsyncConnection, _now: datetime, ending: Ending) -> Touched:
        after = await _loaded(connection, row.ident)
        await tell(connection, after, "order.change.resumed", run=after.run)
        return _told(row, after, ending)

    return Deed(write, told, starts=(WORKFLOW, f"{row.ident}.{row.proposal_revision}", row.run + 1))


async def _done_by_hand(
    row: Row[Any], _request: OperationOutcome, _store: AsyncEngine, _landscape: Landscape, _deadline: Deadline
) -> Deed:
    """The change stands in all systems, whoever put it there."""
    return _ended(row, "committed", "resolved")


async def _not_done(
    row: Row[Any], _request: OperationOutcome, store: AsyncEngine, landscape: Landscape, deadline: Deadline
) -> Deed:
    """Nothing was changed, if the ERP says so too."""
    async with store.connect() as connection:
        held = await _loaded(connection, row.ident)
        rechecked = await kept.result_before(connection, held, "recheck", held.run + 1)
    instance, _, number = held.order_id.partition(".")
    if rechecked is not None:
        order = await landscape.erps[instance].read_order(number, deadline=deadline)
        if is_applied(order, msgspec.json.decode(rechecked, type=Went).wanted):
            said = "the order in the ERP is what the change wanted: retry it, or say doneByHand"
            raise RequestFaulty((Fault("#/outcome", said, "change-applied"),))
    return _ended(row, "failed", "resolved")


OUTCOMES: dict[str, Outcome] = {"doneByHand": _done_by_hand, "notDone": _not_done}


def _ended(row: Row[Any], state: State, exceptions: Any) -> Deed:
    async def write(connection: AsyncConnection, now: datetime) -> bool:
        if not await _move(connection, row, state, now):
            return False
        if state == "committed":
            await raise_revision(connection, row.order_id)
        return True

    async def told(connection: AsyncConnection, _now: datetime, ending: Ending) -> Touched:
        after = await _loaded(connection, row.ident)
        await exception_rows.end_all(connection, after, msgspec.structs.replace(ending, state=exceptions))
        await tell(connection, after, f"order.change.{state}")
        return _told(row, after, ending)

    return Deed(write, told)


async def _move(connection: AsyncConnection, row: Row[Any], state: State, now: datetime, **changes: Any) -> bool:
    return await rows.move(
        connection, row.ident, state, now, version=row.version, waiting_for=None, retry_at=None, **changes
    )


def _told(row: Row[Any], after: ChangeRequest, ending: Ending) -> Touched:
    told = touched(after, reason=ending.reason)
    return msgspec.structs.replace(told, before={"state": row.state, "version": row.version, "run": row.run})


async def _loaded(connection: AsyncConnection, ident: str) -> ChangeRequest:
    held = await rows.load(connection, ident)
    if held is None:
        raise NoSuchThing(KIND, ident)
    return held
