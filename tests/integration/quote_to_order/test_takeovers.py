"""Processes die over operations: what is counted, what is not, and how one that kills comes to light."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from process_apis import operation_rows as rows
from process_apis import step_rows
from process_apis.operations import Operation, State
from process_apis.quote_to_order.sweep import after_death
from process_apis.stepping import utc_now
from process_apis.tables import operation_steps, operations
from process_apis.takeover import MOST_TAKEOVERS
from tests.integration.quote_to_order.shop import Shop
from tests.integration.quote_to_order.test_sweep import age, received
from tests.sandbox import RunningSandbox


async def at_work(shop: Shop, quote_id: str, state: State) -> str:
    """An operation in the middle of a step, though no execution is at it."""
    operation_id = await received(shop, quote_id)
    await age(shop, operation_id, state=state)
    await begin_step(shop, operation_id)
    return operation_id


async def begin_step(shop: Shop, operation_id: str) -> None:
    async with shop.store.begin() as connection:
        await connection.execute(
            insert(operation_steps).values(
                operation_id=operation_id, name="aStep", position=0, attempts=1, started_at=utc_now()
            )
        )


async def loaded(shop: Shop, operation_id: str) -> Operation:
    async with shop.store.connect() as connection:
        found = await rows.load(connection, operation_id)
    assert found is not None
    return found


@pytest.mark.parametrize(("state", "shown"), [("validating", "failed"), ("creatingOrder", "actionRequired")])
async def test_an_operation_over_which_too_many_processes_died_is_not_run_again_and_comes_to_light(
    shop: Shop, fresh_sandbox: RunningSandbox, state: State, shown: State
) -> None:
    operation_id = await at_work(shop, fresh_sandbox.quote_id("Q-1010"), state)
    verdicts = [await after_death(shop.store, operation_id, 1) for _ in range(MOST_TAKEOVERS + 2)]
    assert verdicts == [True] * MOST_TAKEOVERS + [False, False]
    seen = await shop.look(operation_id)
    assert seen.state == shown
    assert [(one.code, one.owner.role, one.blocking) for one in seen.exceptions] == [
        ("dead-letter", "operations", True)
    ]
    assert (await loaded(shop, operation_id)).takeovers == MOST_TAKEOVERS + 1


async def test_between_two_steps_an_operation_kills_nobody(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    operation_id = await at_work(shop, fresh_sandbox.quote_id("Q-1010"), "awaitingDecision")
    async with shop.store.begin() as connection:
        await step_rows.end(connection, operation_id, "aStep", "waiting", utc_now())
    assert await after_death(shop.store, operation_id, 1)
    assert (await loaded(shop, operation_id)).takeovers == 0


async def test_who_has_taken_it_over_and_not_begun_a_step_did_not_die_over_it(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    operation_id = await at_work(shop, fresh_sandbox.quote_id("Q-1010"), "validating")
    assert await after_death(shop.store, operation_id, 1)
    async with shop.store.begin() as connection:
        assert await rows.take_over(connection, operation_id, "exe_another.1")
    assert await after_death(shop.store, operation_id, 1)
    assert (await loaded(shop, operation_id)).takeovers == 1
    steps = await shop.look(operation_id)
    assert [(one.name, one.outcome) for one in steps.steps] == [("aStep", "interrupted")]


async def test_a_step_that_ends_clears_the_count(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    operation_id = await received(shop, fresh_sandbox.quote_id("Q-1010"))
    async with shop.store.begin() as connection:
        await connection.execute(
            update(operations).where(operations.c.operation_id == operation_id).values(takeovers=1)
        )
    await shop.durable.start_once("quoteToOrder", operation_id)
    assert (await shop.ended(operation_id)).state == "completed"
    assert (await loaded(shop, operation_id)).takeovers == 0


async def test_an_earlier_run_neither_takes_over_nor_is_counted(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    operation_id = await at_work(shop, fresh_sandbox.quote_id("Q-1010"), "validating")
    async with shop.store.begin() as connection:
        await connection.execute(update(operations).where(operations.c.operation_id == operation_id).values(run=2))
        assert not await rows.take_over(connection, operation_id, "exe_another.1", run=1)
    before = await loaded(shop, operation_id)
    assert await after_death(shop.store, operation_id, 1)
    assert await loaded(shop, operation_id) == before
