from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from policies.clients import Client
from policies.errors import NotVisible
from process_apis import errors
from process_apis.atp.token import PROMISE, PromiseFact
from process_apis.operation_views import OperationView
from process_apis.outbox import list_events
from process_apis.tables import events, operations
from system_apis import trail
from system_apis.deadline import Deadline
from system_apis.errors import SystemUnavailable
from system_apis.sap.models import Demand, NewOrder
from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import NORTH, SEALS, Shop
from tests.sandbox import RunningSandbox

SOUTH = Client("dealer-south", "South", "partner", frozenset({"orders:write"}), ("17100002",), ("1710",))


async def stored(shop: Shop) -> int:
    async with shop.store.connect() as connection:
        return int(await connection.scalar(select(func.count()).select_from(operations)) or 0)


async def test_an_approved_quote_becomes_one_order_planned_and_known_to_the_crm(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1001")
    done = await shop.convert(quote_id, client=NORTH)
    assert done.state == "completed"
    orders = witness.orders_of(fresh_sandbox, done.operation_id)
    assert [f"s4-1710.{order['SalesOrder']}" for order in orders] == [done.order_id]
    assert orders[0]["PurchaseOrderByCustomer"] == "PO-1"
    assert [item["Material"] for item in orders[0]["to_Item"]["results"]] == ["TG11", "TG12", "FG126"]
    assert [line.state for line in done.lines] == ["confirmed", "confirmedLate", "confirmedLate"]
    planned = witness.commitments(fresh_sandbox, orders[0]["SalesOrder"])
    assert sum(int(line["quantity"]) for line in planned) == 40
    told = witness.quote(fresh_sandbox, quote_id)
    assert told["ERP_Order_Number__c"] == orders[0]["SalesOrder"]
    assert told["Ordergate_State__c"] == "completed"
    assert told["Ordergate_Operation__c"] == done.operation_id
    days = [str(piece.delivery_date) for line in done.lines for piece in line.schedule]
    assert told["Confirmed_Date__c"] == max(days)
    assert {line["date"] for line in planned} < set(days)


async def test_what_the_caller_was_told_while_waiting_is_what_its_repeat_is_told(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1010"))
    assert done.state == "completed"
    assert done.retry_after_seconds is None
    assert [step.name for step in done.steps][-2:] == ["writeBack", "complete"]
    assert all(step.attempts == 1 and step.outcome == "ok" for step in done.steps)


async def test_lines_with_days_of_their_own_keep_them_on_the_order(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1001")
    quote = await shop.landscape.crm.read_quote(quote_id, deadline=Deadline.after(5))
    later = quote.lines[0].requested_date + timedelta(days=20)
    witness.change_line(fresh_sandbox, quote.lines[0].line_id, {"Requested_Date__c": str(later)})
    done = await shop.convert(quote_id)
    assert done.state == "completed"
    assert "requestDates" in [step.name for step in done.steps]
    erp = shop.landscape.erps["s4-1710"]
    order = await erp.read_order(str(done.order_id).split(".")[1], deadline=Deadline.after(5))
    assert [item.confirmations[0].requested_date for item in order.items] == [
        line.requested_date for line in done.lines
    ]
    assert order.items[0].confirmations[0].date == later


async def test_a_quote_line_is_converted_once_and_the_rest_may_follow(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1001")
    whole = (await shop.landscape.crm.read_quote(quote_id, deadline=Deadline.after(5))).lines
    first = await shop.convert(quote_id, lines=[{"lineId": whole[0].line_id}])
    with pytest.raises(errors.LinesAlreadyConverted) as held:
        await shop.convert(quote_id)
    assert held.value.operation_id == first.operation_id
    second = await shop.convert(quote_id, lines=[{"lineId": line.line_id} for line in whole[1:]])
    assert [first.state, second.state] == ["completed", "completed"]
    assert first.order_id != second.order_id


async def test_many_at_once_convert_a_quote_exactly_once(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1011")
    answers = await asyncio.gather(*(shop.convert(quote_id) for _ in range(8)), return_exceptions=True)
    made = [one for one in answers if isinstance(one, OperationView)]
    assert len(made) == 1
    assert all(isinstance(one, errors.LinesAlreadyConverted) for one in answers if one is not made[0])
    assert witness.posts(fresh_sandbox) == 1


@pytest.mark.parametrize("name", ["Q-1003", "Q-1004", "Q-1005"])
async def test_a_quote_that_is_not_approved_is_refused_before_anything_is_kept(
    shop: Shop, fresh_sandbox: RunningSandbox, name: str
) -> None:
    with pytest.raises(errors.QuoteNotConvertible):
        await shop.convert(fresh_sandbox.quote_id(name))
    assert await stored(shop) == 0


@pytest.mark.parametrize("quote", ["0Q0Hp0000009999KAA", "no-id-at-all", "Q-1002"])
async def test_an_unknown_and_a_foreign_quote_are_the_same_to_a_dealer(
    shop: Shop, fresh_sandbox: RunningSandbox, quote: str
) -> None:
    wanted = fresh_sandbox.quote_id(quote) if quote.startswith("Q-") else quote
    with pytest.raises((errors.NoSuchThing, NotVisible)) as unknown:
        await shop.convert(wanted, client=NORTH)
    assert (unknown.value.kind, unknown.value.ident) == ("quote", wanted)


async def test_a_stale_quote_version_is_refused_with_the_current_one(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    with pytest.raises(errors.QuoteVersionMoved) as moved:
        await shop.convert(fresh_sandbox.quote_id("Q-1010"), quoteVersion="0")
    assert moved.value.current == "1"


async def test_nothing_is_kept_while_the_crm_is_down(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1010")
    fresh_sandbox.fault("salesforce", "unavailable")
    with pytest.raises(SystemUnavailable):
        await shop.convert(quote_id)
    assert await stored(shop) == 0


async def test_a_foreign_operation_does_not_exist(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1010"), client=NORTH)
    assert (await shop.look(done.operation_id, NORTH)).state == "completed"
    with pytest.raises(NotVisible):
        await shop.look(done.operation_id, SOUTH)


async def test_a_discontinued_item_stays_behind_and_the_others_are_ordered(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1006")
    done = await shop.convert(quote_id, acceptance={"mode": "validLines"})
    assert done.state == "completedWithExceptions"
    refused = [line for line in done.lines if line.state == "rejected"]
    assert [line.product for line in refused] == ["TG14"]
    told = next(one for one in done.exceptions if one.line_id == refused[0].line_id)
    assert (told.code, told.blocking, told.owner.role) == ("item-discontinued", True, "sales")
    assert told.source_message is not None
    (order,) = witness.orders_of(fresh_sandbox, done.operation_id)
    assert len(order["to_Item"]["results"]) == 4
    # the line that was left behind is free: another conversion may try it
    with pytest.raises(errors.LinesAlreadyConverted):
        await shop.convert(quote_id)
    again = await shop.convert(quote_id, lines=[{"lineId": refused[0].line_id}])
    assert again.state == "rejected"


async def test_all_or_nothing_makes_no_order_and_tells_the_crm_why(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1006")
    done = await shop.convert(quote_id)
    assert (done.state, done.order_id) == ("rejected", None)
    assert {line.state for line in done.lines} == {"rejected"}
    assert witness.posts(fresh_sandbox) == 0
    told = witness.quote(fresh_sandbox, quote_id)
    assert told["Ordergate_State__c"] == "rejected"
    assert "item-discontinued" in told["Ordergate_Message__c"]
    assert not told["ERP_Order_Number__c"]


async def test_a_credit_hold_rejects_or_is_ordered_on_hold_as_the_policy_says(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1007")
    refused = await shop.convert(quote_id)
    assert refused.state == "rejected"
    assert [one.code for one in refused.exceptions] == ["credit-hold"]
    held = await shop.convert(quote_id, creditPolicy="createOnHold")
    assert held.state == "completedWithExceptions"
    assert [(one.code, one.blocking) for one in held.exceptions] == [("credit-hold", False)]
    shows_the_hold(held, fresh_sandbox)


async def test_a_hold_that_nobody_foresaw_is_no_confirmation(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    """The credit was fine when it was asked for, and used up by another order when this one was made."""
    fresh_sandbox.fault("sap", "delay", method="POST", path="/A_SalesOrder$", seconds=2, count=1)
    started = await shop.convert(fresh_sandbox.quote_id("Q-1010"), wait_s=None)
    await shop.until(started.operation_id, lambda seen: any(step.name == "createOrder" for step in seen.steps))
    erp, today = shop.landscape.erps["s4-1710"], shop.landscape.today
    while not any(one["fired"] for one in fresh_sandbox.faults()):
        await shop.look(started.operation_id)
    demand = Demand("x", "FG300", Decimal(290), "C62", today + timedelta(days=5), "1710")
    other = NewOrder("another", "PO-9", shop.landscape.sales_area, "17100001", "17100001", today, (demand,))
    await erp.create_order(other, deadline=Deadline.after(10))
    held = await shop.ended(started.operation_id)
    assert held.state == "completedWithExceptions"
    assert [(one.code, one.step, one.blocking) for one in held.exceptions] == [("credit-hold", "commitSchedule", False)]
    shows_the_hold(held, fresh_sandbox)


def shows_the_hold(held: OperationView, sandbox: RunningSandbox) -> None:
    """Neither here nor in the CRM does a line that the ERP holds back read as a promise."""
    assert {line.state for line in held.lines} == {"hold"}
    for line in held.lines:
        seen = witness.quote_line(sandbox, line.line_id)
        assert (seen["Ordergate_State__c"], seen["ERP_Item__c"]) == ("hold", line.item)
        assert (seen["Confirmed_Quantity__c"], seen["Confirmed_Date__c"]) == (None, None)
    assert witness.quote(sandbox, held.quote.quote_id)["Confirmed_Date__c"] is None


async def test_every_change_is_told_once_and_in_order(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1010"))
    async with shop.store.connect() as connection:
        rows = (await connection.execute(select(events).order_by(events.c.sequence))).all()
    assert [row.type for row in rows] == [
        "quote.conversion.started",
        "quote.conversion.orderCreated",
        "order.created",
        "order.confirmed",
        "quote.conversion.completed",
    ]
    about = {"quote": done.operation_id, "order": done.order_id}
    assert all(row.subject == about[row.type.split(".")[0]] for row in rows)
    assert {row.correlation_id for row in rows} == {done.correlation_id}


async def test_the_trail_reaches_every_neighbour_and_event(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    trail.take_up("the caller's own", f"00-{trace}-b7ad6b7169203331-00")
    done = await shop.convert(fresh_sandbox.quote_id("Q-1001"))
    writes = [entry for entry in fresh_sandbox.journal() if entry["method"] in ("POST", "PUT", "PATCH")]
    told = [each for each in writes if each["correlationId"] == done.correlation_id]
    assert {entry["system"] for entry in told} == {"sap", "salesforce", "scheduler"}
    assert {entry["traceparent"].split("-")[1] for entry in told} == {trace}
    page = await list_events(await shop.caller(), None, store=shop.store)
    assert {(event.traceparent or "").split("-")[1] for event in page.events} == {trace}


async def test_a_rest_that_is_rejected_takes_nothing_away_from_the_order_of_the_other_lines(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1006")
    done = await shop.convert(quote_id, acceptance={"mode": "validLines"})
    before = witness.quote(fresh_sandbox, quote_id)
    (rest,) = [line.line_id for line in done.lines if line.state == "rejected"]
    assert (await shop.convert(quote_id, lines=[{"lineId": rest}])).state == "rejected"
    after = witness.quote(fresh_sandbox, quote_id)
    kept = ("ERP_Order_Number__c", "ERP_Instance__c", "Confirmed_Date__c")
    assert before["Confirmed_Date__c"] is not None
    assert [after[name] for name in kept] == [before[name] for name in kept]


async def test_a_promise_counts_for_whom_it_was_made_and_for_nobody_else(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    def token(client: str, customer: str) -> str:
        long_ago = datetime.now(UTC) - timedelta(days=30)  # past its time it is no offer any more, but still evidence
        return SEALS.seal(PROMISE, PromiseFact("atp_1", client, customer, long_ago, ()))

    quote_id = fresh_sandbox.quote_id("Q-1010")
    mine = token("crm", "17100001")
    forged = mine[:-4] + ("AAAA" if mine[-4:] != "AAAA" else "BBBB")
    for other in (forged, "made-up", token("dealer-south", "17100001"), token("crm", "17100002")):
        with pytest.raises(errors.RequestFaulty) as refused:
            await shop.convert(quote_id, promiseToken=other)
        assert [fault.pointer for fault in refused.value.faults] == ["#/promiseToken"]
    assert (await shop.convert(quote_id, promiseToken=mine)).state == "completed"
