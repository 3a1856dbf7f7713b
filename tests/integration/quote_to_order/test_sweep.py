from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from sqlalchemy import update

from process_apis import operation_rows as rows
from process_apis.operations import TRANSITIONS, State
from process_apis.quote_to_order.process import convert_quote
from process_apis.quote_to_order.sweep import sweep
from process_apis.stepping import utc_now
from process_apis.tables import operations
from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import SEALS, Shop
from tests.sandbox import RunningSandbox


class NeverStarts:
    """An engine that dies between the transaction and the start."""

    async def start_once(self, workflow: str, operation_id: str) -> None: ...


async def received(shop: Shop, quote_id: str) -> str:
    """An operation that was received by a process that died before it could start it."""
    wanted = shop.request()
    made = await convert_quote(
        await shop.caller(),
        wanted,
        quote_id=quote_id,
        store=shop.store,
        landscape=shop.landscape,
        seals=SEALS,
        durable=NeverStarts(),  # type: ignore[arg-type]
    )
    return made.operation_id


async def age(shop: Shop, operation_id: str, **changes: object) -> None:
    async with shop.store.begin() as connection:
        await connection.execute(
            update(operations)
            .where(operations.c.operation_id == operation_id)
            .values({"updated_at": utc_now() - timedelta(minutes=1), **changes})
        )


async def test_what_was_received_and_never_started_is_started_by_the_sweep(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    operation_id = await received(shop, fresh_sandbox.quote_id("Q-1010"))
    assert (await shop.look(operation_id)).state == "received"
    await age(shop, operation_id)
    await sweep(shop.store, shop.durable)
    assert (await shop.ended(operation_id)).state == "completed"


async def test_a_fresh_operation_is_left_to_whoever_received_it(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    operation_id = await received(shop, fresh_sandbox.quote_id("Q-1010"))
    await sweep(shop.store, shop.durable)
    assert await shop.durable.stopped_among([operation_id]) == frozenset()
    assert (await shop.look(operation_id)).state == "received"


@pytest.mark.parametrize(("state", "shown"), [("validating", "failed"), ("scheduling", "actionRequired")])
async def test_a_broken_operation_comes_to_light_with_somebody_to_look_at_it(
    shop: Shop, fresh_sandbox: RunningSandbox, state: State, shown: State
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1010")
    done = await shop.convert(quote_id)
    # as if its workflow had ended in an error, half-way
    await age(shop, done.operation_id, state=state)
    await sweep(shop.store, shop.durable)
    seen = await shop.look(done.operation_id)
    assert seen.state == shown
    assert [(one.code, one.owner.role, one.blocking) for one in seen.exceptions] == [
        ("operation-broken", "operations", True)
    ]
    if shown == "failed":  # there is no order: no line reads confirmed, and all are free again
        assert [(one.state, one.confirmed_quantity.value) for one in seen.lines] == [("rejected", 0)]
        witness.change_line(fresh_sandbox, done.lines[0].line_id, {"ERP_Item__c": ""})
        assert (await shop.convert(quote_id)).state == "completed"


async def test_a_run_that_was_taken_over_writes_nothing_more(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    """Another process took the operation while this one was asleep: it notices before it sends the order."""
    fresh_sandbox.fault("sap", "delay", path="SIMULATION", seconds=1, count=1)
    started = await shop.convert(fresh_sandbox.quote_id("Q-1010"), wait_s=None)
    await shop.until(started.operation_id, lambda seen: seen.state == "validating")
    async with shop.store.begin() as connection:
        await rows.take_over(connection, started.operation_id, "exe_another")
    async with shop.store.connect() as connection:
        before = await rows.load(connection, started.operation_id)
    while started.operation_id not in await shop.durable.stopped_among([started.operation_id]):
        await shop.look(started.operation_id)
    async with shop.store.connect() as connection:
        after = await rows.load(connection, started.operation_id)
    assert after == before
    assert witness.posts(fresh_sandbox) == 0


async def test_the_store_lets_an_operation_move_exactly_as_the_table_says(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1010"))
    moved: dict[State, set[State]] = {}
    for origin in get_args(State):
        moved[origin] = set()
        for target in get_args(State):
            await age(shop, done.operation_id, state=origin)
            async with shop.store.begin() as connection:
                if await rows.enter(connection, done.operation_id, target, utc_now(), executor=None):
                    moved[origin].add(target)
    await age(shop, done.operation_id, state="completed")
    assert moved == {origin: set(following) for origin, following in TRANSITIONS.items()}


async def test_proposals_that_wait_for_days_do_not_hide_what_was_never_started(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    parked = await received(shop, fresh_sandbox.quote_id("Q-1010"))
    await age(shop, parked, state="awaitingDecision")
    forgotten = await received(shop, fresh_sandbox.quote_id("Q-1011"))
    await age(shop, forgotten, updated_at=utc_now() - timedelta(seconds=30))
    async with shop.store.connect() as connection:
        seen = await rows.unfinished(connection, kind="quoteToOrder", untouched_since=utc_now(), limit=1)
    assert [one.operation_id for one in seen] == [forgotten]


async def test_a_run_that_is_taken_over_behind_the_pivot_commits_no_plan(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    """It slept between asking the plan and committing to it: the other process may have committed something newer."""
    fresh_sandbox.fault("scheduler", "delay", path="scenarios", seconds=1, skip=1, count=1)
    started = await shop.convert(fresh_sandbox.quote_id("Q-1001"), wait_s=None)
    await shop.until(started.operation_id, lambda seen: any(one.name == "commitSchedule" for one in seen.steps))
    async with shop.store.begin() as connection:
        await rows.take_over(connection, started.operation_id, "exe_another")
    while started.operation_id not in await shop.durable.stopped_among([started.operation_id]):
        await shop.look(started.operation_id)
    assert [one["method"] for one in fresh_sandbox.journal("scheduler") if one["method"] == "PUT"] == []
