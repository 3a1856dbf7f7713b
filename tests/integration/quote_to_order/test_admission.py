"""What waits, waits in a bounded queue; maintenance windows are kept, and passed; what came first stays first."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from process_apis import errors
from process_apis.landscape import Queues
from process_apis.operation_views import InternalOperation, OperationView, PartnerOperation
from process_apis.stepping import utc_now
from process_apis.tables import events, operations
from system_apis.errors import SystemUnavailable
from system_apis.maintenance import Once, rests
from tests.integration.quote_to_order.shop import NORTH, Shop, open_shop
from tests.integration.quote_to_order.test_inline_quotes import convert
from tests.sandbox import RunningSandbox


class Clock:
    """Real time, and as much later as a test says."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def is_waiting(seen: OperationView) -> bool:
    assert isinstance(seen, InternalOperation)
    return seen.waiting_for is not None


async def stored(shop: Shop) -> int:
    async with shop.store.connect() as connection:
        return int(await connection.scalar(select(func.count()).select_from(operations)) or 0)


async def waiting_ones(shop: Shop, sandbox: RunningSandbox, count: int) -> list[str]:
    """So many operations that wait for the ERP."""
    begun = [await shop.convert(sandbox.quote_id(f"Q-101{n}"), wait_s=None) for n in range(count)]
    for one in begun:
        await shop.until(one.operation_id, is_waiting)
    return [one.operation_id for one in begun]


async def test_beyond_so_many_that_wait_for_a_system_nothing_is_taken_or_stored(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    down = fresh_sandbox.fault("sap", "unavailable")
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls, queues=Queues(most_waiting=2)) as shop:
        waiting = await waiting_ones(shop, fresh_sandbox, 2)
        with pytest.raises(errors.QueueFull) as full:
            await shop.convert(fresh_sandbox.quote_id("Q-1015"))
        assert (full.value.system, full.value.waiting) == ("erp", 2)
        assert full.value.retry_after_s > 0
        assert await stored(shop) == 2
        fresh_sandbox.lift(down)
        for operation_id in waiting:
            assert (await shop.ended(operation_id)).state == "completed"
        assert (await shop.convert(fresh_sandbox.quote_id("Q-1015"))).state == "completed"


async def test_behind_one_that_has_waited_for_too_long_nobody_queues_up(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    fresh_sandbox.fault("sap", "unavailable")
    queues = Queues(oldest=timedelta(hours=1))
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls, queues=queues) as shop:
        (operation_id,) = await waiting_ones(shop, fresh_sandbox, 1)
        second = await shop.convert(fresh_sandbox.quote_id("Q-1015"), wait_s=None)
        assert second.state in ("received", "validating"), "one that has not waited long keeps nobody out"
        long_ago = datetime.now(UTC) - timedelta(hours=2)
        async with shop.store.begin() as connection:
            changed = update(operations).where(operations.c.operation_id == operation_id)
            await connection.execute(changed.values(waiting_since=long_ago))
        with pytest.raises(errors.QueueFull) as full:
            await shop.convert(fresh_sandbox.quote_id("Q-1016"))
        assert full.value.oldest_s >= timedelta(hours=2).total_seconds()


async def test_a_queue_for_another_system_keeps_nobody_out(tmp_path: Path, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("sap", "unavailable")
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls, queues=Queues(most_waiting=1)) as shop:
        (operation_id,) = await waiting_ones(shop, fresh_sandbox, 1)
        async with shop.store.begin() as connection:
            changed = update(operations).where(operations.c.operation_id == operation_id)
            await connection.execute(changed.values(waiting_instance="s4-9999"))
        assert (await shop.convert(fresh_sandbox.quote_id("Q-1015"), wait_s=None)).state in ("received", "validating")


async def test_what_nobody_begins_is_bounded_too(tmp_path: Path, fresh_sandbox: RunningSandbox) -> None:
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls, queues=Queues(most_unstarted=0)) as shop:
        with pytest.raises(errors.QueueFull) as full:
            await shop.convert(fresh_sandbox.quote_id("Q-1010"))
        assert full.value.system == "ordergate"


async def test_in_a_maintenance_window_nothing_is_asked_and_afterwards_it_goes_on_by_itself(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    begins = datetime.now(UTC)
    window = Once(begins, begins + timedelta(seconds=4))
    resting = {"sap": rests([window], utc_now)}
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls, rests=resting) as shop:
        started = await shop.convert(fresh_sandbox.quote_id("Q-1010"), client=NORTH, wait_s=None)
        waiting = await shop.until(started.operation_id, is_waiting)
        assert isinstance(waiting, InternalOperation)
        assert waiting.waiting_for is not None
        assert (waiting.state, waiting.waiting_for.instance) == ("validating", "s4-1710")
        assert waiting.waiting_for.reason == "maintenance"
        assert about(waiting.waiting_for.ends_at, window.end)
        seen = await shop.look(started.operation_id, NORTH)
        assert isinstance(seen, PartnerOperation)
        assert seen.waiting_for is not None
        assert (seen.waiting_for.system, seen.waiting_for.reason) == ("erp", "maintenance")
        assert fresh_sandbox.journal("sap") == [], "not one call was begun"
        done = await shop.ended(started.operation_id)
        assert (done.state, done.updated_at >= window.end) == ("completed", True)
        assert next(step.attempts for step in done.steps if step.name == "resolve") == 2, "it slept, it did not knock"


async def test_the_crm_in_its_window_keeps_news_waiting_and_no_order(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    clock = Clock()
    begins = datetime.now(UTC) + timedelta(hours=1)
    resting = {"salesforce": rests([Once(begins, begins + timedelta(hours=1))], clock)}
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls, rests=resting) as shop:
        fresh_sandbox.fault("sap", "delay", path="SIMULATION", seconds=1, count=1)
        started = await shop.convert(fresh_sandbox.quote_id("Q-1010"), wait_s=None)
        clock.ahead = timedelta(hours=1, minutes=10)
        waiting = await shop.until(started.operation_id, is_waiting)
        assert isinstance(waiting, InternalOperation)
        assert waiting.waiting_for is not None
        assert (waiting.state, waiting.waiting_for.reason) == ("writingBack", "maintenance")
        assert waiting.order_id is not None
        assert (waiting.retry_after_seconds or 0) > 600, "it sleeps until it is worth asking"
        with pytest.raises(SystemUnavailable) as refused:
            await shop.convert(fresh_sandbox.quote_id("Q-1011"))
        assert (refused.value.held_by, (refused.value.retry_after_s or 0) > 0) == ("maintenance", True)


async def test_a_window_does_not_count_as_an_age(tmp_path: Path, fresh_sandbox: RunningSandbox) -> None:
    begins = datetime.now(UTC)
    resting = {"sap": rests([Once(begins, begins + timedelta(hours=8))], utc_now)}
    queues = Queues(oldest=timedelta(seconds=0.01))
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls, rests=resting, queues=queues) as shop:
        await waiting_ones(shop, fresh_sandbox, 1)
        assert (await shop.convert(fresh_sandbox.quote_id("Q-1015"), wait_s=None)).state in ("received", "validating")


def about(moment: datetime | None, expected: datetime) -> bool:
    return moment is not None and abs((moment - expected).total_seconds()) < 1


async def test_a_neighbour_that_stays_away_after_its_window_has_waited_since_the_window_ended(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    """Otherwise a queue would be full of old age in the moment in which the window ends."""
    fresh_sandbox.fault("sap", "unavailable")
    begins = datetime.now(UTC) - timedelta(hours=8)
    window = Once(begins, datetime.now(UTC) + timedelta(seconds=3))
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls, rests={"sap": rests([window], utc_now)}) as shop:
        started = await shop.convert(fresh_sandbox.quote_id("Q-1010"), wait_s=None)
        await shop.until(started.operation_id, lambda seen: reason_of(seen) == "maintenance")
        after = await shop.until(started.operation_id, lambda seen: reason_of(seen) == "unavailable")
        assert isinstance(after, InternalOperation)
        assert after.waiting_for is not None
        assert after.waiting_for.since >= window.end
        async with shop.store.connect() as connection:
            waits = select(func.count()).select_from(events).where(events.c.type == "operation.waiting")
            assert await connection.scalar(waits) == 1, "it is one wait for one neighbour"


async def test_of_many_that_come_at_once_no_more_are_taken_than_there_is_room(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    fresh_sandbox.fault("sap", "delay", seconds=5)
    room = 3
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls, queues=Queues(most_unstarted=room)) as shop:
        shop.durable.start_once = nobody_begins  # type: ignore[method-assign]
        line = {"lineId": "a", "product": {"id": "TG11"}, "quantity": {"value": "1", "unit": "C62"}}
        answers = await asyncio.gather(*(convert(shop, line, wait_s=None) for _ in range(20)), return_exceptions=True)
        refused = [one for one in answers if isinstance(one, errors.QueueFull)]
        assert len(refused) == len(answers) - room
        assert await stored(shop) == room


async def nobody_begins(*_started: object) -> None:
    """As if all hands were full."""


def reason_of(seen: OperationView) -> str | None:
    assert isinstance(seen, InternalOperation)
    return seen.waiting_for.reason if seen.waiting_for else None
