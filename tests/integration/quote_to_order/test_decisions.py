from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from process_apis import errors
from process_apis.operation_views import OperationView
from process_apis.quote_to_order.models import DecisionRequest
from process_apis.quote_to_order.process import cancel_operation, decide_operation, list_operations
from system_apis.deadline import Deadline
from system_apis.scheduler.models import Requirement
from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import NORTH, SEALS, SOUTH, Shop, open_shop
from tests.sandbox import RunningSandbox


async def proposed(shop: Shop, sandbox: RunningSandbox, name: str = "Q-1001") -> OperationView:
    seen = await shop.convert(sandbox.quote_id(name), onLate="propose")
    assert seen.state == "awaitingDecision"
    return seen


async def decide(shop: Shop, seen: OperationView, decision: str, *, etag: str | None = None) -> OperationView:
    caller = await shop.caller(wait_s=20, if_match=etag or seen.etag)
    wanted = DecisionRequest(decision)  # type: ignore[arg-type]
    return await decide_operation(
        caller,
        wanted,
        operation_id=seen.operation_id,
        store=shop.store,
        landscape=shop.landscape,
        durable=shop.durable,
    )


async def cancel(shop: Shop, seen: OperationView) -> OperationView:
    return await cancel_operation(
        await shop.caller(),
        None,
        operation_id=seen.operation_id,
        store=shop.store,
        landscape=shop.landscape,
        durable=shop.durable,
    )


async def test_a_late_line_is_proposed_first_and_ordered_once_it_is_accepted(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    seen = await proposed(shop, fresh_sandbox)
    assert seen.decide_by is not None
    assert seen.retry_after_seconds is None
    assert witness.posts(fresh_sandbox) == 0
    done = await decide(shop, seen, "accept")
    assert (done.state, done.decision) == ("completed", "accept")
    assert len(witness.orders_of(fresh_sandbox, done.operation_id)) == 1


async def test_a_proposal_that_is_rejected_makes_no_order_and_frees_its_lines(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    seen = await proposed(shop, fresh_sandbox)
    done = await decide(shop, seen, "reject")
    assert done.state == "rejected"
    assert witness.quote(fresh_sandbox, seen.quote.quote_id)["Ordergate_State__c"] == "rejected"
    assert (await shop.convert(seen.quote.quote_id)).state == "completed"


async def test_a_proposal_that_got_worse_is_proposed_again(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    seen = await proposed(shop, fresh_sandbox)
    plan = shop.landscape.schedulers["aps-1710"]
    # somebody else takes the production days that the proposal counted on
    need = Requirement("other", "FG126", Decimal(60), "C62", seen.lines[2].requested_date)
    scenario = await plan.simulate("1710", [need], order_reference=None, deadline=Deadline.after(5))
    await plan.commit(scenario, "9999", if_version=None, deadline=Deadline.after(5))
    again = await decide(shop, seen, "accept")
    assert again.state == "awaitingDecision"
    assert again.decision is None
    assert again.lines[2].schedule[-1].delivery_date > seen.lines[2].schedule[-1].delivery_date
    assert witness.posts(fresh_sandbox) == 0
    done = await decide(shop, again, "accept")
    assert done.state == "completed"


async def test_a_decision_on_a_stale_view_is_refused(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    seen = await proposed(shop, fresh_sandbox)
    with pytest.raises(errors.VersionStale) as stale:
        await decide(shop, seen, "accept", etag='"op_other-1"')
    assert stale.value.current_etag == seen.etag
    assert (await shop.look(seen.operation_id)).state == "awaitingDecision"


async def test_only_a_waiting_operation_takes_a_decision(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1010"))
    with pytest.raises(errors.DecisionNotPossible):
        await decide(shop, done, "accept")
    with pytest.raises(errors.DecisionNotPossible):
        await cancel(shop, done)


async def test_a_cancelled_conversion_makes_no_order_and_frees_its_lines(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    seen = await proposed(shop, fresh_sandbox)
    assert {line.state for line in seen.lines} >= {"confirmed", "confirmedLate"}
    cancelled = await cancel(shop, seen)
    assert cancelled.state == "cancelled"
    assert [(line.state, line.confirmed_quantity.value, line.schedule) for line in cancelled.lines] == [
        ("rejected", 0, ())
    ] * len(seen.lines), "no line reads confirmed where there will be no order"
    with pytest.raises(errors.DecisionNotPossible):
        await decide(shop, seen, "accept")
    assert (await shop.convert(seen.quote.quote_id)).state == "completed"
    assert witness.posts(fresh_sandbox) == 1


async def test_a_conversion_is_cancelled_while_it_waits_for_a_neighbour(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    fault = fresh_sandbox.fault("sap", "unavailable", path="SIMULATION")
    started = await shop.convert(fresh_sandbox.quote_id("Q-1010"), wait_s=None)
    waiting = await shop.until(started.operation_id, lambda seen: seen.waiting_for is not None)
    assert (await cancel(shop, waiting)).state == "cancelled"
    fresh_sandbox.lift(fault)
    assert (await shop.convert(waiting.quote.quote_id)).state == "completed"
    assert (await shop.look(started.operation_id)).state == "cancelled"


async def test_a_proposal_nobody_decides_on_expires(tmp_path: Path, fresh_sandbox: RunningSandbox) -> None:
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls, decision_ttl=timedelta(seconds=1)) as shop:
        seen = await proposed(shop, fresh_sandbox)
        done = await shop.ended(seen.operation_id)
    assert done.state == "expired"
    assert witness.quote(fresh_sandbox, seen.quote.quote_id)["Ordergate_State__c"] == "expired"


async def test_a_decision_outlives_a_restart(tmp_path: Path, fresh_sandbox: RunningSandbox) -> None:
    database = tmp_path / "o.db"
    async with open_shop(database, fresh_sandbox.urls) as shop:
        seen = await proposed(shop, fresh_sandbox)
    async with open_shop(database, fresh_sandbox.urls) as shop:
        await shop.until(seen.operation_id, lambda now: now.state == "awaitingDecision")
        done = await decide(shop, await shop.look(seen.operation_id), "accept")
    assert done.state == "completed"
    assert witness.posts(fresh_sandbox) == 1


async def test_operations_are_listed_newest_first_page_by_page(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    made = [(await shop.convert(fresh_sandbox.quote_id(f"Q-101{n}"))).operation_id for n in range(3)]
    foreign = await shop.convert(fresh_sandbox.quote_id("Q-1002"))
    caller = await shop.caller(NORTH)
    first = await list_operations(caller, None, store=shop.store, landscape=shop.landscape, seals=SEALS, limit=2)
    second = await list_operations(
        caller, None, store=shop.store, landscape=shop.landscape, seals=SEALS, limit=2, cursor=first.next
    )
    listed = [one.operation_id for one in (*first.operations, *second.operations)]
    assert listed == made[::-1]
    assert second.next is None
    assert foreign.operation_id not in listed
    assert all(one.steps for one in first.operations)
    for stranger, cursor in ((await shop.caller(SOUTH), first.next), (caller, "made-up"), (caller, made[1])):
        with pytest.raises(errors.RequestFaulty):
            await list_operations(
                stranger, None, store=shop.store, landscape=shop.landscape, seals=SEALS, cursor=cursor
            )


async def test_a_decision_after_its_time_is_refused_and_not_taken_and_forgotten(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls, decision_ttl=timedelta(seconds=1)) as shop:
        seen = await proposed(shop, fresh_sandbox)
        assert seen.decide_by is not None
        await asyncio.sleep((seen.decide_by - datetime.now(UTC)).total_seconds())
        assert (await shop.look(seen.operation_id)).state == "awaitingDecision"
        with pytest.raises(errors.DecisionNotPossible):
            await decide(shop, seen, "accept")
        assert (await shop.ended(seen.operation_id)).state == "expired"


async def test_a_partner_reads_no_instance_names_and_no_plant_ids(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1006"), acceptance={"mode": "validLines"})
    inside, outside = await shop.look(done.operation_id), await shop.look(done.operation_id, NORTH)
    assert {line.plant for line in inside.lines} == {"1710"}
    assert {line.plant for line in outside.lines} == {"Palo Alto"}
    assert {one.detected_by.instance for one in inside.exceptions} == {"s4-1710"}
    told = msgspec.json.encode(outside).decode()
    assert outside.exceptions
    assert done.order_id is not None  # the one place where the name of the ERP instance is part of a public id
    assert not re.search("s4-1710|aps-1710|crm-main", told.replace(done.order_id, ""))


async def test_what_is_in_force_is_looked_up_anew_before_an_accepted_proposal_is_ordered(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    """Days may have passed: a revision that went out of date meanwhile must not be ordered unseen."""
    quote_id = fresh_sandbox.quote_id("Q-1008")
    quote = await shop.landscape.crm.read_quote(quote_id, deadline=Deadline.after(5))
    configured = next(line for line in quote.lines if line.material == "FG300")
    witness.change_line(fresh_sandbox, configured.line_id, {"UnitPrice": "1.00"})
    seen = await shop.convert(quote_id, pricePolicy={"onMismatch": "hold"})
    assert seen.state == "awaitingDecision"
    shut = fresh_sandbox.fault("sap", "unavailable", path="API_BILL_OF_MATERIAL_SRV")
    caller = await shop.caller(wait_s=None, if_match=seen.etag)
    await decide_operation(
        caller,
        DecisionRequest("accept"),
        operation_id=seen.operation_id,
        store=shop.store,
        landscape=shop.landscape,
        durable=shop.durable,
    )
    waiting = await shop.until(seen.operation_id, lambda now: now.waiting_for is not None or now.order_id is not None)
    assert (waiting.state, waiting.order_id) == ("validating", None)
    fresh_sandbox.lift(shut)
    assert (await shop.ended(seen.operation_id)).order_id is not None
