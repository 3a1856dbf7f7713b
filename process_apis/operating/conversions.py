"""Stepping in at a conversion: where it goes on, what was found out about its order, and how it ends by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, cast

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.audit import Touched
from process_apis import claimed_lines, exception_rows, step_rows
from process_apis import operation_rows as rows
from process_apis.entries import touched
from process_apis.errors import DecisionNotPossible, Fault, NoSuchThing, RequestFaulty
from process_apis.exception_rows import Ending
from process_apis.landscape import Landscape
from process_apis.operating.deeds import Deed
from process_apis.operating.models import OperationOutcome
from process_apis.operations import CANCELLABLE, Operation, State
from process_apis.quote_to_order.create import STEP as CREATE
from process_apis.quote_to_order.create import Stated, belongs
from process_apis.quote_to_order.letting_go import let_go
from process_apis.store_clock import store_now
from process_apis.tables import operations
from process_apis.telling import tell
from system_apis.deadline import Deadline
from system_apis.errors import NotFoundInSystem
from system_apis.sap.client import SapErp

KIND = "operation"
Outcome = Callable[[Row[Any], OperationOutcome, AsyncEngine, Landscape, Deadline], Awaitable[Deed]]


def resumed(row: Row[Any], stated: Stated | None = None) -> Deed:
    """A new run, in the state in which the last one was at work. `stated` is what is known about the order."""
    said = msgspec.json.encode(stated).decode() if stated else None

    async def write(connection: AsyncConnection, now: datetime) -> bool:
        last = cast("State", await step_rows.state_of_last(connection, row.ident) or "creatingOrder")
        await step_rows.begin_anew(connection, row.ident, CREATE, said)
        return await _move(connection, row, last, now, run=row.run + 1, takeovers=0, executor=None)

    async def told(connection: AsyncConnection, _now: datetime, ending: Ending) -> Touched:
        after = await _loaded(connection, row.ident)
        await tell(connection, after, "quote.conversion.resumed", run=after.run)
        return _told(row, after, ending)

    return Deed(write, told, starts=(row.kind, row.ident, row.run + 1))


def stopped(row: Row[Any]) -> Deed:
    """Before there is an order."""

    async def write(connection: AsyncConnection, now: datetime) -> bool:
        gone = await rows.enter(connection, row.ident, "cancelled", now, executor=None, waiting_for=None, retry_at=None)
        operation = await _loaded(connection, row.ident)
        if not gone:
            raise DecisionNotPossible(KIND, row.ident, operation.state)
        await let_go(connection, operation, now)
        return True

    async def told(connection: AsyncConnection, _now: datetime, ending: Ending) -> Touched:
        after = await _loaded(connection, row.ident)
        await exception_rows.end_all(connection, after, msgspec.structs.replace(ending, state="waived"))
        await tell(connection, after, "quote.conversion.cancelled")
        return _told(row, after, ending)

    if row.state not in CANCELLABLE:
        raise DecisionNotPossible(KIND, row.ident, row.state)
    return Deed(write, told)


async def _order_found(
    row: Row[Any], request: OperationOutcome, store: AsyncEngine, landscape: Landscape, deadline: Deadline
) -> Deed:
    """The order goes on with the number that was found, if the ERP says that it is this operation's."""
    operation = await _at_the_pivot(row, store)
    erp = _erp_of(operation, landscape)
    instance, _, number = (request.order_id or "").partition(".")
    if instance != erp.instance:
        raise _fault("orderId", f"the lines of this operation belong to the ERP {erp.instance}", "other-erp")
    try:
        order = await erp.read_order(number, deadline=deadline)
    except NotFoundInSystem:
        raise _fault("orderId", f"the ERP {instance} has no order {number}", "order-unknown") from None
    if not belongs(order, operation.operation_id, operation.customer):
        said = f"the order carries the reference {order.reference or 'of nobody'} and is of customer {order.sold_to}"
        raise _fault("orderId", f"{said}: it is not this operation's", "order-of-another")
    return resumed(row, Stated(order.number, request.reason))


async def _no_order(
    row: Row[Any], request: OperationOutcome, store: AsyncEngine, landscape: Landscape, deadline: Deadline
) -> Deed:
    """It ends as rejected, and the CRM is told so, if the ERP knows no order with our reference and had its time."""
    operation = await _at_the_pivot(row, store)
    async with store.connect() as connection:
        before = await step_rows.before(connection, row.ident, CREATE)
        now = await store_now(connection)
    settles_at = before.settled_at if before is not None else None
    if settles_at is not None and now < settles_at:
        raise _fault("outcome", f"until {settles_at:%H:%M:%S} UTC the order may still appear", "order-may-appear")
    erp = _erp_of(operation, landscape)
    found = await erp.find_by_reference(operation.operation_id, operation.customer, deadline=deadline)
    if found:
        numbers = ", ".join(sorted(f"{erp.instance}.{order.number}" for order in found))
        raise _fault("outcome", f"the ERP has an order of this operation: {numbers}", "order-exists")
    return resumed(row, Stated(None, request.reason))


async def _done_by_hand(
    row: Row[Any], _request: OperationOutcome, store: AsyncEngine, _landscape: Landscape, _deadline: Deadline
) -> Deed:
    """The order stands, and what was still to be done around it was done elsewhere."""
    async with store.connect() as connection:
        operation = await _loaded(connection, row.ident)
    if operation.order_number is None:
        raise _fault("outcome", "no order is known of this operation: say which one with orderFound", "order-unknown")
    left = tuple(line.line_id for line in operation.lines if line.state == "rejected")

    async def write(connection: AsyncConnection, now: datetime) -> bool:
        if not await _move(connection, row, "completedWithExceptions", now):
            return False
        await claimed_lines.release(connection, row.ident, left)
        return True

    async def told(connection: AsyncConnection, _now: datetime, ending: Ending) -> Touched:
        after = await _loaded(connection, row.ident)
        over = [one for one in after.exceptions if one.blocking and one.line_id is None]
        await exception_rows.end_these(connection, after.subject, over, ending)
        await tell(connection, after, "quote.conversion.completedWithExceptions")
        return _told(row, after, ending)

    return Deed(write, told)


OUTCOMES: dict[str, Outcome] = {
    "orderFound": _order_found,
    "noOrder": _no_order,
    "doneByHand": _done_by_hand,
}


async def _at_the_pivot(row: Row[Any], store: AsyncEngine) -> Operation:
    """The operation, if it is its order that nobody is sure of."""
    async with store.connect() as connection:
        operation = await _loaded(connection, row.ident)
        last = await step_rows.state_of_last(connection, row.ident)
    if last != "creatingOrder":
        known = f"{operation.order_instance}.{operation.order_number}" if operation.order_number else "none"
        raise _fault("outcome", f"its order is settled: {known}; retry it, or say doneByHand", "order-settled")
    return operation


async def _move(connection: AsyncConnection, row: Row[Any], state: State, now: datetime, **changes: Any) -> bool:
    seen = operations.c.state == "actionRequired", operations.c.revision == row.version
    return await rows.change(connection, row.ident, now, *seen, state=state, waiting_for=None, retry_at=None, **changes)


def _erp_of(operation: Operation, landscape: Landscape) -> SapErp:
    """One order lives in one ERP: that of the first line's plant."""
    plants = (landscape.plants.get(line.plant) for line in operation.lines)
    instance = operation.order_instance or next(plant.erp for plant in plants if plant is not None)
    return landscape.erps[instance]


def _told(row: Row[Any], after: Operation, ending: Ending) -> Touched:
    told = touched(after, reason=ending.reason)
    return msgspec.structs.replace(told, before={"state": row.state, "revision": row.version, "run": row.run})


async def _loaded(connection: AsyncConnection, ident: str) -> Operation:
    operation = await rows.load(connection, ident)
    if operation is None:
        raise NoSuchThing(KIND, ident)
    return operation


def _fault(member: str, detail: str, code: str) -> RequestFaulty:
    return RequestFaulty((Fault(f"#/{member}", detail, code),))
