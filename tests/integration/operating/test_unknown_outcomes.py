"""The ERP took an order and never said what became of it; look-up and settle time bring nothing: an operator does."""

from __future__ import annotations

import asyncio

import pytest

from process_apis import operation_rows as rows
from process_apis.errors import RequestFaulty
from process_apis.quote_to_order.create import MOST_UNANSWERED
from process_apis.stepping import utc_now
from tests.integration.operating.desk import Desk
from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import Shop
from tests.sandbox import RunningSandbox

CREATE = {"method": "POST", "path": "/A_SalesOrder\\?|/A_SalesOrder$"}
LATE_S = 6


def desk_of(shop: Shop) -> Desk:
    return Desk(shop.store, shop.landscape, shop.durable)


async def gone_into_the_void(shop: Shop, sandbox: RunningSandbox, quote: str, *, late: bool) -> str:
    """An operation whose every order was lost on the way; with `late`, the last of them is made after all, later than
    anybody waits for it."""
    sandbox.fault("sap", "dropBeforeCommit", count=MOST_UNANSWERED - 1, **CREATE)
    kind = "commitLate" if late else "dropBeforeCommit"
    sandbox.fault("sap", kind, seconds=LATE_S, count=1, **CREATE)
    started = await shop.convert(sandbox.quote_id(quote), wait_s=None)
    await desk_of(shop).stuck(started.operation_id)
    return started.operation_id


async def in_the_erp(sandbox: RunningSandbox, operation_id: str) -> str:
    """The number of the order, as soon as the ERP has it."""
    async with asyncio.timeout(30):
        while True:
            orders = witness.orders_of(sandbox, operation_id)
            if orders:
                return str(orders[0]["SalesOrder"])
            await asyncio.sleep(0.1)


@pytest.mark.timeout(120)
async def test_an_operator_who_finds_the_order_has_the_operation_go_on_with_it(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    desk = desk_of(shop)
    other = await shop.convert(fresh_sandbox.quote_id("Q-1011"))
    operation_id = await gone_into_the_void(shop, fresh_sandbox, "Q-1010", late=True)
    seen = await desk.show(operation_id)
    (met,) = seen.exceptions
    assert (met.code, met.owner.role, met.state, met.blocking) == (
        "source-timeout-unknown-outcome",
        "operations",
        "open",
        True,
    )
    assert {deed.action for deed in seen.remediation} == {"retry", "resolve"}
    assert (seen.steps[-1].name, seen.steps[-1].outcome) == ("createOrder", "unclear"), "nobody knows that it went well"
    number = await in_the_erp(fresh_sandbox, operation_id)

    with pytest.raises(RequestFaulty, match="not this operation's"):
        await desk.resolve(operation_id, "orderFound", other.order_id)
    with pytest.raises(RequestFaulty, match="has no order"):
        await desk.resolve(operation_id, "orderFound", "s4-1710.99999999")
    with pytest.raises(RequestFaulty, match=f"has an order of this operation: s4-1710.{number}"):
        await desk.resolve(operation_id, "noOrder")

    resumed = await desk.resolve(operation_id, "orderFound", f"s4-1710.{number}")
    assert (resumed.state, resumed.run) == ("creatingOrder", 2)
    done = await shop.ended(operation_id)
    assert (done.state, done.order_id) == ("completed", f"s4-1710.{number}")
    assert witness.posts(fresh_sandbox) == MOST_UNANSWERED + 1
    assert len(witness.orders_of(fresh_sandbox, operation_id)) == 1
    assert witness.quote(fresh_sandbox, fresh_sandbox.quote_id("Q-1010"))["ERP_Order_Number__c"] == number
    assert [one.state for one in done.exceptions] == ["resolved"]
    assert await desk.audited(operation_id) == [
        ("operation.resolve.orderFound", "operator", "token:desk", "somebody looked")
    ]
    assert [one.data["operationId"] for one in await desk.events("exception.opened")] == [operation_id]
    (resolved,) = await desk.events("exception.resolved")
    assert (resolved.subject, resolved.data["state"]) == (met.exception_id, "resolved")


@pytest.mark.timeout(120)
async def test_a_retry_finds_the_order_that_came_too_late_and_sends_no_second(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    desk = desk_of(shop)
    operation_id = await gone_into_the_void(shop, fresh_sandbox, "Q-1010", late=True)
    number = await in_the_erp(fresh_sandbox, operation_id)
    await desk.retry(operation_id)
    done = await shop.ended(operation_id)
    assert (done.state, done.order_id) == ("completed", f"s4-1710.{number}")
    assert witness.posts(fresh_sandbox) == MOST_UNANSWERED
    assert len(witness.orders_of(fresh_sandbox, operation_id)) == 1


@pytest.mark.timeout(120)
async def test_an_operator_who_finds_no_order_ends_it_and_the_lines_are_free_again(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    desk = desk_of(shop)
    operation_id = await gone_into_the_void(shop, fresh_sandbox, "Q-1010", late=False)
    await desk.resolve(operation_id, "noOrder")
    done = await shop.ended(operation_id)
    assert (done.state, done.order_id) == ("rejected", None)
    (left,) = [one for one in done.exceptions if one.state == "open"]
    assert left.code == "order-refused"
    assert {step.name: step.outcome for step in done.steps}["createOrder"] == "notDone"
    assert [remedy.action for remedy in left.remediation] == ["convertAgain"]
    quote_id = fresh_sandbox.quote_id("Q-1010")
    assert witness.quote(fresh_sandbox, quote_id)["Ordergate_State__c"] == "rejected"
    again = await shop.convert(quote_id)
    assert again.state == "completed"
    assert len(witness.orders_of(fresh_sandbox, again.operation_id)) == 1
    assert witness.orders_of(fresh_sandbox, operation_id) == []


@pytest.mark.timeout(120)
async def test_nobody_says_that_there_is_no_order_while_one_may_still_appear(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    desk = desk_of(shop)
    operation_id = await gone_into_the_void(shop, fresh_sandbox, "Q-1010", late=False)
    shop.landscape.erps["s4-1710"].settle_s = 600
    fresh_sandbox.fault("sap", "dropBeforeCommit", count=1, **CREATE)
    await desk.retry(operation_id)
    await desk.until(operation_id, lambda seen: seen.waiting_for is not None)
    async with shop.store.begin() as connection:  # as if it had broken while it waited
        await rows.enter(connection, operation_id, "actionRequired", utc_now(), executor=None)
    with pytest.raises(RequestFaulty, match="may still appear"):
        await desk.resolve(operation_id, "noOrder")
