"""Neighbours that fail at the worst moment: never two orders, never a lost operation."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from process_apis.operation_views import InternalOperation
from system_apis.deadline import Deadline
from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import Shop
from tests.sandbox import RunningSandbox

CREATE = {"method": "POST", "path": "/A_SalesOrder\\?|/A_SalesOrder$", "count": 1}


async def test_a_connection_lost_after_the_order_was_made_does_not_make_a_second(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    fresh_sandbox.fault("sap", "dropAfterCommit", **CREATE)
    done = await shop.convert(fresh_sandbox.quote_id("Q-1010"))
    assert done.state == "completed"
    assert witness.posts(fresh_sandbox) == 1
    (order,) = witness.orders_of(fresh_sandbox, done.operation_id)
    assert done.order_id == f"s4-1710.{order['SalesOrder']}"


async def test_an_order_that_appears_late_is_waited_for_and_not_doubled(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    fresh_sandbox.fault("sap", "commitLate", seconds=1.5, **CREATE)
    done = await shop.convert(fresh_sandbox.quote_id("Q-1010"))
    assert done.state == "completed"
    assert witness.posts(fresh_sandbox) == 1
    assert len(witness.orders_of(fresh_sandbox, done.operation_id)) == 1
    assert next(step.attempts for step in done.steps if step.name == "createOrder") > 1


@pytest.mark.parametrize("kind", ["dropBeforeCommit", "unavailable"])
async def test_an_order_that_never_came_to_be_is_sent_again_once_the_settle_time_is_over(
    shop: Shop, fresh_sandbox: RunningSandbox, kind: str
) -> None:
    fresh_sandbox.fault("sap", kind, **CREATE)
    started = await shop.convert(fresh_sandbox.quote_id("Q-1010"), wait_s=None)
    done = await shop.ended(started.operation_id)
    assert done.state == "completed"
    assert len(witness.orders_of(fresh_sandbox, done.operation_id)) == 1
    creating = next(step for step in done.steps if step.name == "createOrder")
    assert creating.ended_at is not None
    assert (creating.ended_at - creating.started_at).total_seconds() >= shop.landscape.erps["s4-1710"].settle_s
    assert witness.posts(fresh_sandbox) == 2


async def test_a_503_that_lies_makes_no_second_order(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("sap", "unavailableAfterCommit", retryAfterSeconds=1, **CREATE)
    done = await shop.convert(fresh_sandbox.quote_id("Q-1010"))
    assert done.state == "completed"
    assert witness.posts(fresh_sandbox) == 1


@pytest.mark.parametrize(
    ("system", "path", "state"),
    [
        ("sap", "SIMULATION", "validating"),
        ("scheduler", "/v1/scenarios", "validating"),
        ("scheduler", "/commitments", "scheduling"),
        ("salesforce", "/composite", "writingBack"),
    ],
)
async def test_an_operation_waits_for_a_neighbour_that_is_down_and_then_goes_on(
    shop: Shop, fresh_sandbox: RunningSandbox, system: str, path: str, state: str
) -> None:
    fault = fresh_sandbox.fault(system, "unavailable", path=path)
    started = await shop.convert(fresh_sandbox.quote_id("Q-1001"), wait_s=None)
    waiting = await shop.until(started.operation_id, lambda seen: seen.waiting_for is not None)
    assert waiting.state == state
    assert waiting.waiting_for is not None
    assert waiting.waiting_for.state == "waitingForSystem"
    assert (waiting.retry_after_seconds or 0) >= 1
    fresh_sandbox.lift(fault)
    done = await shop.ended(started.operation_id)
    assert (done.state, done.waiting_for) == ("completed", None)
    assert witness.posts(fresh_sandbox) == 1


async def test_a_commitment_whose_answer_was_lost_is_not_held_twice(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("scheduler", "dropAfterCommit", method="PUT", count=1)
    done = await shop.convert(fresh_sandbox.quote_id("Q-1001"))
    assert done.state == "completed"
    held = witness.commitments(fresh_sandbox, str(done.order_id).split(".")[1])
    assert sum(int(line["quantity"]) for line in held) == 40


async def test_a_crm_that_refuses_the_news_leaves_the_order_alone_and_calls_for_somebody(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1010")
    hold = fresh_sandbox.fault("sap", "delay", path="SIMULATION", seconds=1, count=1)
    started = await shop.convert(quote_id, wait_s=None)
    witness.delete_quote(fresh_sandbox, quote_id)
    done = await shop.until(started.operation_id, lambda seen: seen.state == "actionRequired")
    assert hold
    assert len(witness.orders_of(fresh_sandbox, done.operation_id)) == 1
    assert [(one.code, one.owner.role) for one in done.exceptions] == [("write-back-pending", "integration")]
    assert {step.name: step.outcome for step in done.steps}["writeBack"] == "refused"


async def test_an_operation_outlasts_an_outage_of_our_own_store(
    shop: Shop, fresh_sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody holds the file for longer than a writer waits, while SAP makes the order."""
    armed = fresh_sandbox.fault("sap", "delay", method="POST", path="/A_SalesOrder$", seconds=1, count=1)
    started = await shop.convert(fresh_sandbox.quote_id("Q-1010"), wait_s=None)
    while not any(one["id"] == armed and one["fired"] for one in fresh_sandbox.faults()):
        await shop.look(started.operation_id)
    async with shop.store.begin():
        async with asyncio.timeout(20):
            while "the operation store does not answer" not in caplog.text:  # noqa: ASYNC110  the log's news
                await asyncio.sleep(0.05)
    done = await shop.ended(started.operation_id)
    assert done.state == "completed"
    assert witness.posts(fresh_sandbox) == 1


@pytest.mark.parametrize("call", [{"path": "SIMULATION"}, {"method": "POST", "path": "/A_SalesOrder$"}])
async def test_a_right_that_our_own_user_lacks_is_no_answer_to_the_order(
    shop: Shop, fresh_sandbox: RunningSandbox, call: dict[str, str]
) -> None:
    """An operator sees to it, and it goes on: the customer is never told no for that."""
    shut = fresh_sandbox.fault("sap", "forbidden", **call)
    started = await shop.convert(fresh_sandbox.quote_id("Q-1010"), wait_s=None)
    waiting = await shop.until(started.operation_id, lambda seen: seen.waiting_for is not None)
    assert waiting.state in ("validating", "creatingOrder")
    fresh_sandbox.lift(shut)
    assert (await shop.ended(started.operation_id)).state == "completed"
    assert len(witness.orders_of(fresh_sandbox, started.operation_id)) == 1


async def test_a_look_up_that_is_not_allowed_just_now_is_done_later(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("sap", "dropAfterCommit", **CREATE)
    shut = fresh_sandbox.fault("sap", "forbidden", method="GET", path="filter")
    started = await shop.convert(fresh_sandbox.quote_id("Q-1010"), wait_s=None)
    await shop.until(started.operation_id, lambda seen: seen.waiting_for is not None)
    while not any(one["id"] == shut and one["fired"] for one in fresh_sandbox.faults()):
        await shop.look(started.operation_id)
    fresh_sandbox.lift(shut)
    assert (await shop.ended(started.operation_id)).state == "completed"
    assert witness.posts(fresh_sandbox) == 1


async def test_days_that_we_may_not_change_just_now_are_changed_later(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    """The order stands, and nobody is told that it comes late for a right of ours."""
    quote_id = fresh_sandbox.quote_id("Q-1001")
    quote = await shop.landscape.crm.read_quote(quote_id, deadline=Deadline.after(5))
    later = (quote.lines[0].requested_date or shop.landscape.today) + timedelta(days=20)
    witness.change_line(fresh_sandbox, quote.lines[0].line_id, {"Requested_Date__c": str(later)})
    shut = fresh_sandbox.fault("sap", "forbidden", method="POST", path="API_SALES_ORDER_SRV/.batch")
    started = await shop.convert(quote_id, wait_s=None)
    waiting = await shop.until(started.operation_id, lambda seen: seen.waiting_for is not None)
    assert isinstance(waiting, InternalOperation)
    assert (waiting.state, waiting.exceptions) == ("scheduling", ())
    fresh_sandbox.lift(shut)
    assert (await shop.ended(started.operation_id)).state == "completed"
    assert witness.posts(fresh_sandbox) == 1
