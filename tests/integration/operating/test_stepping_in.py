"""The way out of `actionRequired`, and stopping what has not become an order yet."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from process_apis.errors import DecisionNotPossible, RequestFaulty, VersionStale
from process_apis.quote_to_order.sweep import sweep
from system_apis.salesforce.client import connect as connect_crm
from tests.integration.operating.conftest import SETTLE_S
from tests.integration.operating.desk import Desk
from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import ERP, Shop, open_shop
from tests.integration.quote_to_order.test_exceptions_in_the_crm import told
from tests.sandbox import RunningSandbox


class Stubborn(httpx.AsyncHTTPTransport):
    """The wire to a CRM whose validation rule refuses what we write, for as long as `refuses` says."""

    refuses = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.refuses and request.method == "POST" and "composite" in request.url.path:
            said = {"message": "the fiscal year is closed", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}
            return httpx.Response(400, json=[said], request=request)
        return await super().handle_async_request(request)


def desk_of(shop: Shop) -> Desk:
    return Desk(shop.store, shop.landscape, shop.durable)


async def refused_by_the_crm(shop: Shop, sandbox: RunningSandbox, quote: str = "Q-1010") -> str:
    """An operation whose order stands, and whose quote was deleted when it was to be told."""
    quote_id = sandbox.quote_id(quote)
    sandbox.fault("sap", "delay", path="SIMULATION", seconds=1, count=1)
    started = await shop.convert(quote_id, wait_s=None)
    witness.delete_quote(sandbox, quote_id)
    await desk_of(shop).stuck(started.operation_id)
    return started.operation_id


async def broken_behind_the_pivot(shop: Shop, sandbox: RunningSandbox) -> str:
    """An operation that broke while it was to be scheduled: its plant's scheduler is not configured any more."""
    scheduler = shop.landscape.schedulers["aps-1710"]
    sandbox.fault("sap", "delay", method="POST", path="/A_SalesOrder\\?|/A_SalesOrder$", seconds=1, count=1)
    started = await shop.convert(sandbox.quote_id("Q-1001"), wait_s=None)
    await shop.until(started.operation_id, lambda seen: seen.state == "creatingOrder")
    del shop.landscape.schedulers["aps-1710"]
    async with asyncio.timeout(30):
        while (await shop.look(started.operation_id)).state != "actionRequired":
            await sweep(shop.store, shop.durable)
            await asyncio.sleep(0.05)
    shop.landscape.schedulers["aps-1710"] = scheduler
    return started.operation_id


def simulated(sandbox: RunningSandbox) -> int:
    return sum("SIMULATION" in one["path"] for one in sandbox.journal("sap"))


async def test_what_broke_behind_the_pivot_goes_on_there_and_orders_nothing_again(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    desk = desk_of(shop)
    operation_id = await broken_behind_the_pivot(shop, fresh_sandbox)
    asked = simulated(fresh_sandbox)
    stuck = await desk.show(operation_id)
    (met,) = [one for one in stuck.exceptions if one.code == "operation-broken"]
    assert (met.owner.role, met.state, met.step) == ("operations", "open", "scheduling")
    resumed = await desk.retry(operation_id)
    assert (resumed.state, resumed.run) == ("scheduling", 2)
    done = await shop.ended(operation_id)
    assert done.state == "completed", done.exceptions
    assert witness.posts(fresh_sandbox) == 1
    (order,) = witness.orders_of(fresh_sandbox, operation_id)
    assert sum(int(line["quantity"]) for line in witness.commitments(fresh_sandbox, order["SalesOrder"])) == 40
    assert simulated(fresh_sandbox) == asked, "what was decided is not decided again"
    after = await desk.show(operation_id)
    ended = next(one for one in after.exceptions if one.exception_id == met.exception_id)
    assert (ended.state, ended.acknowledged_by, ended.ended_by) == ("resolved", "operator", "system")
    assert await desk.audited(operation_id) == [("operation.retry", "operator", "token:desk", "it was tried again")]


async def test_a_crm_that_takes_the_news_later_gets_it_and_the_exception_is_over_there_too(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    stubborn = Stubborn()
    crm = connect_crm(
        instance="crm-main",
        base_url=fresh_sandbox.urls["salesforce"],
        client_id="ordergate",
        client_secret="salesforce-sandbox-secret",
        transport=stubborn,
    )
    async with open_shop(tmp_path / "operations.db", fresh_sandbox.urls, settle_s=SETTLE_S, crm=crm) as shop:
        desk = desk_of(shop)
        started = await shop.convert(fresh_sandbox.quote_id("Q-1010"), wait_s=None)
        stuck = await desk.stuck(started.operation_id)
        assert [(one.code, one.state) for one in stuck.exceptions] == [("write-back-pending", "open")]
        await desk.retry(started.operation_id)
        await desk.until(started.operation_id, lambda seen: seen.run == 2 and seen.state == "actionRequired")
        (again,) = (await desk.show(started.operation_id)).exceptions
        assert again.exception_id == stuck.exceptions[0].exception_id, "it is the same exception, not a second one"
        stubborn.refuses = False
        await desk.retry(started.operation_id)
        done = await shop.ended(started.operation_id)
    assert (done.state, [one.state for one in done.exceptions]) == ("completed", ["resolved"])
    number = str(done.order_id).partition(".")[2]
    assert witness.quote(fresh_sandbox, fresh_sandbox.quote_id("Q-1010"))["ERP_Order_Number__c"] == number
    assert witness.posts(fresh_sandbox) == 1
    (record,) = told(fresh_sandbox, started.operation_id)
    assert (record["Exception_Id__c"], record["State__c"]) == (again.exception_id, "resolved")


async def test_a_retry_survives_the_death_of_its_process(tmp_path: Path, fresh_sandbox: RunningSandbox) -> None:
    """The second run is as durable as the first: it goes on elsewhere, and nothing is written twice."""
    database = tmp_path / "operations.db"
    async with open_shop(database, fresh_sandbox.urls, settle_s=SETTLE_S) as shop:
        operation_id = await broken_behind_the_pivot(shop, fresh_sandbox)
        held_up = fresh_sandbox.fault("scheduler", "unavailable", path="/commitments")
        await desk_of(shop).retry(operation_id)
        await desk_of(shop).until(operation_id, lambda seen: seen.waiting_for is not None)
    fresh_sandbox.lift(held_up)
    async with open_shop(database, fresh_sandbox.urls, settle_s=SETTLE_S) as shop:
        done = await shop.ended(operation_id)
        assert (done.state, (await desk_of(shop).show(operation_id)).run) == ("completed", 2)
    assert witness.posts(fresh_sandbox) == 1
    assert len(witness.orders_of(fresh_sandbox, operation_id)) == 1


async def test_what_was_done_by_hand_is_closed_and_its_order_stays(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    desk = desk_of(shop)
    operation_id = await refused_by_the_crm(shop, fresh_sandbox)
    with pytest.raises(RequestFaulty, match="its order is settled"):
        await desk.resolve(operation_id, "noOrder")
    with pytest.raises(RequestFaulty, match="one of doneByHand, noOrder, orderFound"):
        await desk.resolve(operation_id, "notDone")
    closed = await desk.resolve(operation_id, "doneByHand")
    assert (closed.state, closed.remediation) == ("completedWithExceptions", ())
    (met,) = closed.exceptions
    assert (met.state, met.ended_by, met.reason) == ("resolved", "operator", "somebody looked")
    assert len(witness.orders_of(fresh_sandbox, operation_id)) == 1
    assert [one.subject for one in await desk.events("quote.conversion.completedWithExceptions")] == [operation_id]


async def test_only_what_nobody_goes_on_with_is_retried_and_only_as_it_was_seen(
    small_shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    desk = desk_of(small_shop)
    done = await small_shop.convert(fresh_sandbox.quote_id("Q-1011"))
    with pytest.raises(DecisionNotPossible):
        await desk.retry(done.operation_id)
    operation_id = await refused_by_the_crm(small_shop, fresh_sandbox)
    seen = await desk.show(operation_id)
    with pytest.raises(VersionStale):
        await desk.retry(operation_id, etag=f'"{operation_id}-1"')
    answers = await asyncio.gather(
        desk.retry(operation_id, etag=seen.etag), desk.retry(operation_id, etag=seen.etag), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in answers)[0] in ("DecisionNotPossible", "OperatedOperation")
    assert sum(isinstance(one, VersionStale | DecisionNotPossible) for one in answers) == 1
    assert (await desk.show(operation_id)).run == 2


async def test_an_operator_stops_what_has_not_become_an_order(small_shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    desk, quote_id = desk_of(small_shop), fresh_sandbox.quote_id("Q-1001")
    asked = await small_shop.convert(quote_id, onLate="propose")
    assert asked.state == "awaitingDecision"
    stopped = await desk.cancel(asked.operation_id)
    assert stopped.state == "cancelled"
    assert {(line.state, line.confirmed_quantity.value) for line in stopped.lines} == {("rejected", 0)}
    assert await desk.audited(asked.operation_id) == [
        ("operation.cancel", "operator", "token:desk", "ordered by mistake")
    ]
    with pytest.raises(DecisionNotPossible):
        await desk.cancel(asked.operation_id)
    done = await small_shop.convert(quote_id)
    with pytest.raises(DecisionNotPossible):
        await desk.cancel(done.operation_id)
    assert witness.posts(fresh_sandbox) == 1


async def test_waiting_is_told_once_however_often_it_is_tried(small_shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    desk = desk_of(small_shop)
    fault = fresh_sandbox.fault("scheduler", "unavailable", path="/v1/scenarios")
    started = await small_shop.convert(fresh_sandbox.quote_id("Q-1001"), wait_s=None)
    await desk.until(started.operation_id, lambda seen: any(step.attempts > 2 for step in seen.steps))
    (waiting,) = await desk.listed(waiting_for="scheduler")
    assert waiting.waiting_for is not None
    assert (waiting.operation_id, waiting.waiting_for.instance) == (started.operation_id, "aps-1710")
    assert await desk.listed(waiting_for="erp") == []
    fresh_sandbox.lift(fault)
    await small_shop.ended(started.operation_id)
    (event,) = await desk.events("operation.waiting")
    assert (event.subject, event.data["waitingFor"]) == (started.operation_id, "scheduler")
    assert ERP not in str(event.data)
    assert await desk.listed(waiting_for="any") == []
