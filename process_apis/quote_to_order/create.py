"""Exactly one order: the pivot. Nothing before this step leaves a trace in the ERP, nothing after it is undone.

The ERP's order carries our reference, the operation id. Before the order is sent, a row says that it is about to be;
whoever finds such a row looks for the order instead of sending a second one, and "not found" proves nothing until the
ERP has had its settle time.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Row

from process_apis import step_rows
from process_apis.exceptions import Finding, SourceMessage
from process_apis.operations import State
from process_apis.orders.rules import held_back
from process_apis.outages import FIRST_PAUSE_S, NotYet, step_deadline
from process_apis.stepping import Run
from process_apis.store_clock import store_now
from process_apis.turns import Superseded
from process_apis.words import bare
from system_apis.deadline import Deadline
from system_apis.errors import (
    CredentialsRefused,
    NotAllowed,
    NotFoundInSystem,
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
MOST_UNANSWERED = 3
"""So many orders may be sent into the void, each after the settle time of the one before; then somebody has to look."""


class Stated(Struct, frozen=True):
    """What an operator found out in the ERP: the number of the order, or (None) that there is none."""

    order_number: str | None
    reason: str


class Placed(Struct, frozen=True):
    """The order, the item of each line, and whether (and by what) the ERP holds it back; or the finding that says why
    there is none to go on with."""

    number: str | None = None
    items: dict[str, str] = {}
    held: bool = False
    holds: tuple[str, ...] = ()
    refused: Finding | None = None
    unclear: Finding | None = None


async def place_order(run: Run, erp: SapErp, new: NewOrder) -> Placed:
    """One attempt to have exactly one order. Raises what makes another attempt necessary."""
    async with run.store.connect() as connection:
        before = await step_rows.before(connection, run.operation_id, STEP)
        asked_at = await store_now(connection)  # before the look-up: only what is asked after settling is conclusive
    found = None
    if before is not None:
        found = await _stated(before.stated, erp, new) or await _found(before, asked_at, erp, new)
    if found is not None:
        return found
    sent_by = Deadline.after(SEND_S)  # begins before the row says so: who is frozen after that sends nothing later
    await _remember_attempt(run, erp.settle_s)
    try:
        order = await erp.create_order(new, deadline=sent_by)
    except (SystemUnavailable, ObjectLocked, CredentialsRefused, NotAllowed):
        await _settled(run)  # nothing was done, looking it up once more costs little
        raise
    except SystemRefused as no:
        await _settled(run)
        return Placed(refused=_refusal(no))
    except UpstreamError:
        # It may still be at work on it, and the settle time counts from the moment at which it lost us.
        await _settled(run, unanswered_for_s=erp.settle_s)
        raise
    return _placed(erp, new, order)


async def _stated(held: str | None, erp: SapErp, new: NewOrder) -> Placed | None:
    """What an operator found out, looked at once more. None: nothing was stated, or the ERP knows otherwise by now."""
    if held is None:
        return None
    stated = msgspec.json.decode(held, type=Stated)
    if stated.order_number is not None:
        with suppress(NotFoundInSystem):
            order = await erp.read_order(stated.order_number, deadline=step_deadline())
            if belongs(order, new.reference, new.sold_to):
                return _placed(erp, new, order)
        return None
    if await erp.find_by_reference(new.reference, new.sold_to, deadline=step_deadline()):
        return None
    detail = f"an operator found no order in the ERP: {stated.reason}"
    return Placed(refused=Finding("order-refused", detail, "ordergate", "ordergate", blocking=True))


def belongs(order: Order, reference: str, sold_to: str) -> bool:
    """Is it this operation's order? The customer's own number may repeat, our reference does not."""
    return order.reference == reference and bare(order.sold_to) == bare(sold_to)


async def _found(before: Row[Any], asked_at: datetime, erp: SapErp, new: NewOrder) -> Placed | None:
    """The order of an earlier attempt. None: there is certainly none. NotYet: it cannot be said yet."""
    if before.settled_at is None:
        return None
    found = await erp.find_by_reference(new.reference, new.sold_to, deadline=step_deadline())
    if len(found) > 1:
        numbers = ", ".join(sorted(order.number for order in found))
        return Placed(unclear=_unclear("duplicate-order", f"the reference is found in orders {numbers}", erp))
    if found:
        return _placed(erp, new, found[0])
    if asked_at < before.settled_at:
        left = before.settled_at - asked_at
        raise NotYet(erp.instance, "the order may still appear", _look_again_s(left, erp.settle_s))
    if before.unknowns >= MOST_UNANSWERED:
        detail = (
            f"it was sent {before.unknowns} times, the ERP never said what became of it, and it cannot be found there"
        )
        return Placed(unclear=_unclear("source-timeout-unknown-outcome", detail, erp))
    return None


def _look_again_s(left: timedelta, settle_s: float) -> float:
    """Often at first, when a late commit is likeliest, and once exactly when the settle time is over."""
    left_s = left.total_seconds()
    passed_s = max(0.0, SEND_S + settle_s - left_s)
    return min(left_s + 0.01, max(FIRST_PAUSE_S, min(passed_s, LONGEST_LOOK_PAUSE_S)))


async def _remember_attempt(run: Run, settle_s: float) -> None:
    """Commit "it is about to be sent", provided that we are still the ones to send it."""
    async with run.store.begin() as connection:
        at = await store_now(connection)
        await step_rows.set_attempt(
            connection, run.operation_id, STEP, at=at, settled_at=at + timedelta(seconds=SEND_S + settle_s)
        )
        if not await run.still_ours(connection, STATE):
            raise Superseded(run.operation_id)


async def _settled(run: Run, *, unanswered_for_s: float | None = None) -> None:
    """The order that was sent will appear so much later, or not at all (None: the ERP said what became of it).

    Whoever was replaced meanwhile keeps that to himself: by now the row tells of what another one has sent.
    """
    async with run.store.begin() as connection:
        at = await store_now(connection) + timedelta(seconds=unanswered_for_s or 0.0)
        answered = unanswered_for_s is None
        await step_rows.set_settled(connection, run.operation_id, STEP, at, answered=answered)
        if not await run.still_ours(connection, STATE):
            raise Superseded(run.operation_id)


def _placed(erp: SapErp, new: NewOrder, order: Order) -> Placed:
    """Lines became items in their order, as both sides number upwards."""
    items = sorted(order.items, key=lambda item: int(item.item))
    same = [bare(item.material) for item in items] == [bare(line.material) for line in new.lines]
    if not same:
        detail = f"the items of order {order.number} are not the lines that were ordered"
        return Placed(order.number, unclear=_unclear("mapping-failed", detail, erp))
    of_line = {line.line_id: item.item for line, item in zip(new.lines, items, strict=True)}
    holds = tuple(hold.code for hold in held_back(order))
    return Placed(order.number, of_line, held=bool(holds), holds=holds)


def _refusal(no: SystemRefused) -> Finding:
    source = SourceMessage(no.code, no.message)
    return Finding("order-refused", "the ERP does not take the order", "erp", no.instance, blocking=True, source=source)


def _unclear(code: str, detail: str, erp: SapErp) -> Finding:
    return Finding(code, detail, "erp", erp.instance, blocking=True)
