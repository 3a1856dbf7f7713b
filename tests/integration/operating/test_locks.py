"""Two who change the same operation on a server at the same time: one waits for the other, never each for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.turn import take_turn
from process_apis import exception_rows, step_rows
from process_apis import operation_rows as rows
from process_apis.durable import Durable
from process_apis.exception_rows import Ending
from process_apis.exceptions import Finding
from process_apis.outages import STEP_S, Done
from process_apis.stepping import Run, utc_now
from process_apis.telling import Note
from process_apis.turns import Turn
from system_apis.deadline import Deadline
from tests.integration.quote_to_order.shop import Shop
from tests.sandbox import RunningSandbox

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
HELD = Finding("credit-hold", "the order is held", "erp", "s4-1710", blocking=True)
SHORT = Finding("shortage", "not all of it is there", "erp", "s4-1710", blocking=False, line_id="10")


@dataclass
class ByHand:
    """An engine that does nothing by itself: whose turn it is, and which step."""

    token: str

    def turn(self) -> Turn:
        return Turn(1, self.token, again=False)

    def step_number(self) -> int:
        return 1

    async def remember(self, _connection: AsyncConnection, _result: object) -> None:
        """It runs nothing again."""


async def at_a_step(shop: Shop, sandbox: RunningSandbox) -> tuple[str, Run]:
    """An operation that waits for a decision, with a step under way in the hands of the test."""
    asked = await shop.convert(sandbox.quote_id("Q-1001"), onLate="propose")
    assert asked.state == "awaitingDecision"
    run = Run(asked.operation_id, shop.store, cast("Durable", ByHand("by hand")))
    async with shop.store.begin() as connection:
        assert await rows.take_over(connection, asked.operation_id, run.token)
        tried = step_rows.Tried("commitSchedule", "scheduler", "scheduling", 1)
        await step_rows.begin(connection, asked.operation_id, tried, utc_now())
    return asked.operation_id, run


async def waits_for_a_lock(shop: Shop, work: Callable[[], Coroutine[Any, Any, Any]]) -> asyncio.Task[Any]:
    """`work`, once it stands still."""
    task = asyncio.create_task(work())
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    async with asyncio.timeout(10), shop.store.connect() as connection:
        while not await connection.scalar(waiting):  # noqa: ASYNC110  the server tells nobody
            await asyncio.sleep(0.01)
    return task


async def test_who_takes_an_operation_over_waits_for_the_step_that_is_just_ending(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    operation_id, run = await at_a_step(shop, fresh_sandbox)

    async def take_over() -> bool:
        async with shop.store.begin() as connection:
            return await rows.take_over(connection, operation_id, "another")

    async with shop.store.begin() as connection:
        await step_rows.end(connection, operation_id, "commitSchedule", "ok", utc_now())
        other = await waits_for_a_lock(shop, take_over)
        assert await rows.change(connection, operation_id, utc_now())
    assert await other
    async with shop.store.connect() as connection:
        assert not await run.still_ours(connection, "awaitingDecision")


async def test_a_step_that_ends_exceptions_waits_for_the_operator_who_is_just_ending_one(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    operation_id, run = await at_a_step(shop, fresh_sandbox)
    async with shop.store.begin() as connection:
        operation = await rows.load(connection, operation_id)
        assert operation is not None
        await exception_rows.report(connection, operation, "createOrder", (HELD,), utc_now())
        operation = await rows.load(connection, operation_id)
        assert operation is not None
    held = next(one for one in operation.exceptions if one.code == HELD.code)

    async def end_the_step() -> None:
        note = Note(findings=(SHORT,), over=frozenset({HELD.code}))
        await run._end("commitSchedule", "ok", note, Done(None))

    async with shop.store.begin() as connection:
        assert await exception_rows.end(connection, held.exception_id, Ending("resolved", utc_now(), "operator"))
        other = await waits_for_a_lock(shop, end_the_step)
        await take_turn(connection)
    await other
    async with shop.store.connect() as connection:
        after = await rows.load(connection, operation_id)
    assert after is not None
    states = {one.code: one.state for one in after.exceptions}
    assert (states[HELD.code], states[SHORT.code]) == ("resolved", "open")


async def test_the_time_of_a_write_begins_before_its_guard_is_asked(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    """However long the answer takes, or the process sleeps behind it: what is sent is sent by then."""
    _, run = await at_a_step(shop, fresh_sandbox)
    async with shop.store.begin() as connection:
        await connection.execute(text("LOCK TABLE operations"))
        asked = await waits_for_a_lock(shop, lambda: run.before_write("awaitingDecision"))
        latest = Deadline.after(STEP_S)
    assert (await asked).at < latest.at
