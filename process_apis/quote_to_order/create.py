"""Exactly one order: the pivot. Nothing before this step leaves a trace in the ERP, nothing after it is undone.

The ERP's order carries our reference, the operation id. Before the order is sent, a row says that it is about to be;
whoever finds such a row looks for the order instead of sending a second one, and "not found" proves nothing until the
ERP has had its settle time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from process_apis import step_rows
from process_apis.exceptions import Finding, SourceMessage
from process_apis.operations import State
from process_apis.orders.rules import held_back
from process_apis.stepping import FIRST_PAUSE_S, NotYet, Run, Superseded, step_deadline
from system_apis.deadline import Deadline
from system_apis.errors import (
    CredentialsRefused,
    ObjectLocked,
    SystemRefused,
    SystemUnavailable,
    UpstreamError,
)
from system_apis.sap.client import SapErp
from system_apis.sap.models import NewOrder, Order

STEP = "createOrder"
STATE: State = "creatingOrder"
SEND_S = 15.0
"""The request leaves within this time or not at all (fetching a token comes first)."""
LONGEST_LOOK_PAUSE_S = 5.0


class Placed(Struct, frozen=True):
    """The order, the item of each line, and whether the ERP holds it back; or the finding that says why there is none
    to go on with."""

    number: str | None = None
    items: dict[str, str] = {}
    held: bool = False
    refused: Finding | None = None
    unclear: Finding | None = None


async def place_order(run: Run, erp: SapErp, new: NewOrder) -> Placed:
    """One attempt to have exactly one order. Raises what makes another attempt necessary."""
    found = await _found(run, erp, new)
    if found is not None:
        return found
    await _remember_attempt(run, erp.settle_s)
    try:
        order = await erp.create_order(new, deadline=Deadline.after(SEND_S))
    except (SystemUnavailable, ObjectLocked, CredentialsRefused):
        await _settles(run, run.clock())  # nothing was done, and looking it up once more costs little
        raise
    except SystemRefused as no:
        await _settles(run, run.clock())
        return Placed(refused=_refusal(no))
    except UpstreamError:
        # It may still be at work on it, and the settle time counts from the moment at which it lost us.
        await _settles(run, run.clock() + timedelta(seconds=erp.settle_s))
        raise
    return _placed(erp, new, order)


async def _found(run: Run, erp: SapErp, new: NewOrder) -> Placed | None:
    """The order of an earlier attempt. None: there is certainly none. NotYet: it cannot be said yet."""
    async with run.store.connect() as connection:
        settles_at = await step_rows.attempt_settles_at(connection, run.operation_id, STEP)
    if settles_at is None:
        return None
    asked_at = run.clock()  # before the look-up: only what is asked after the settle time is conclusive
    found = await erp.find_by_reference(new.reference, new.sold_to, deadline=step_deadline())
    if len(found) > 1:
        numbers = ", ".join(sorted(order.number for order in found))
        return Placed(unclear=_unclear("duplicate-order", f"the reference is found in orders {numbers}", erp))
    if found:
        return _placed(erp, new, found[0])
    if asked_at < settles_at:
        raise NotYet(erp.instance, "the order may still appear", _look_again_s(settles_at - asked_at, erp.settle_s))
    return None


def _look_again_s(left: timedelta, settle_s: float) -> float:
    """Often at first, when a late commit is likeliest, and once exactly when the settle time is over."""
    left_s = left.total_seconds()
    passed_s = max(0.0, SEND_S + settle_s - left_s)
    return min(left_s + 0.01, max(FIRST_PAUSE_S, min(passed_s, LONGEST_LOOK_PAUSE_S)))


async def _remember_attempt(run: Run, settle_s: float) -> None:
    """Commit "it is about to be sent", provided that we are still the ones to send it."""
    at = run.clock()
    async with run.store.begin() as connection:
        await step_rows.set_attempt(
            connection, run.operation_id, STEP, at=at, settled_at=at + timedelta(seconds=SEND_S + settle_s)
        )
        if not await run.still_ours(connection, STATE):
            raise Superseded(run.operation_id)


async def _settles(run: Run, at: datetime) -> None:
    async with run.store.begin() as connection:
        await step_rows.set_settled(connection, run.operation_id, STEP, at)


def _placed(erp: SapErp, new: NewOrder, order: Order) -> Placed:
    """Lines became items in their order, as both sides number upwards."""
    items = sorted(order.items, key=lambda item: int(item.item))
    same = [item.material for item in items] == [line.material for line in new.lines]
    if not same:
        detail = f"the items of order {order.number} are not the lines that were ordered"
        return Placed(order.number, unclear=_unclear("mapping-failed", detail, erp))
    of_line = {line.line_id: item.item for line, item in zip(new.lines, items, strict=True)}
    return Placed(order.number, of_line, held=bool(held_back(order)))


def _refusal(no: SystemRefused) -> Finding:
    source = SourceMessage(no.code, no.message)
    return Finding("order-refused", "the ERP does not take the order", "erp", no.instance, blocking=True, source=source)


def _unclear(code: str, detail: str, erp: SapErp) -> Finding:
    return Finding(code, detail, "erp", erp.instance, blocking=True)
