"""The door to Redis, on a real server that is killed, frozen, slowed down, restarted and forbidden to write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from policies.counters import Demand
from policies.errors import CountersUnavailable
from policies.plans import Plan, Plans, allowance
from policies.rate_limit import RateLimits
from policies.redis_counters import RedisCounters
from policies.redis_door import MOST_CONNECTIONS, MOST_FAILURES, Asked, RedisDoor
from tests.integration.limits.stores import client, demand
from tests.redis_server import RedisServer, running_redis, wire_to

PROBE_S = 0.05
A_LOT = demand((1000, 60))


class Listened:
    """A door, what it told, and the turns of its breaker as they come."""

    def __init__(self, url: str, deadline_ms: float) -> None:
        self.asked: list[Asked] = []
        self.turns: asyncio.Queue[bool] = asyncio.Queue()
        self.door = RedisDoor(
            url, deadline_ms=deadline_ms, observe=self.asked.append, turned=self._turned, probe_every_s=PROBE_S
        )
        self.counters = RedisCounters(self.door)

    def _turned(self, *, is_open: bool) -> None:
        self.turns.put_nowait(is_open)

    async def charge(self, wish: Demand = A_LOT) -> int:
        return (await self.counters.decide(wish)).windows[0].used

    async def fail_until_open(self) -> int:
        """How many calls it took."""
        for number in range(1, 20):
            with pytest.raises(CountersUnavailable):
                await self.charge()
            if self.door.is_open:
                return number
        raise AssertionError("the breaker never opened")

    async def closed_again(self) -> None:
        async with asyncio.timeout(10):
            while await self.turns.get():
                pass


@asynccontextmanager
async def listening(url: str, deadline_ms: float = 30) -> AsyncIterator[Listened]:
    listened = Listened(url, deadline_ms)
    assert await listened.door.greet()
    await listened.charge()  # the script is there now
    listened.asked.clear()
    try:
        yield listened
    finally:
        await listened.counters.aclose()
        await listened.door.aclose()


async def took_ms(what: Awaitable[object]) -> float:
    began = time.perf_counter()
    with pytest.raises(CountersUnavailable):
        await what
    return (time.perf_counter() - began) * 1000


async def test_a_frozen_server_costs_a_deadline_five_times_and_then_nothing() -> None:
    with running_redis() as server:
        async with listening(server.url) as it:
            server.freeze()
            waits = [await took_ms(it.charge()) for _ in range(MOST_FAILURES)]
            assert it.door.is_open
            assert all(29 <= wait < 150 for wait in waits), waits
            assert await took_ms(it.charge()) < 5
            assert [each.outcome for each in it.asked] == ["timeout"] * MOST_FAILURES + ["refused"]
            await asyncio.sleep(0.05)  # longer than a deadline and the way there
            server.thaw()
            await it.closed_again()
            assert await it.charge() == 2, "what was given up was charged nothing when the server went on"


async def test_a_killed_server_is_found_again_when_it_is_back_and_its_scripts_are_gone() -> None:
    with running_redis() as server:
        async with listening(server.url) as it:
            server.kill()
            assert await it.fail_until_open() == MOST_FAILURES
            server.start()
            await it.closed_again()
            assert await it.charge() == 1, "it forgot what was charged, and the script"
            assert [each.command for each in it.asked[-2:]] == ["charge", "load"]
            assert await it.charge() == 2
            assert it.asked[-1].command == "charge"


async def test_a_flushed_script_costs_one_more_question_and_no_failure(redis_server: RedisServer) -> None:
    async with listening(redis_server.url) as it:
        for _ in range(2 * MOST_FAILURES):
            redis_server.ask("SCRIPT", "FLUSH")
            await it.charge()
        assert not it.door.is_open
        assert await it.charge() == 2 * MOST_FAILURES + 2, "and nothing was charged twice"


async def test_a_slow_server_is_given_up_in_time_and_left_alone(redis_server: RedisServer) -> None:
    async with wire_to(redis_server.port) as wire, listening(wire.url) as it:
        wire.delay_s = 0.2
        waits = [await took_ms(it.charge()) for _ in range(MOST_FAILURES)]
        assert max(waits) < 150, waits
        assert await took_ms(it.charge()) < 5
        wire.delay_s = 0
        await it.closed_again()
        await it.charge()


async def test_a_server_that_only_reads_is_no_server(redis_server: RedisServer) -> None:
    """It answers a ping; a probe that asked no more would open the door for five failures each second."""
    async with listening(redis_server.url) as it:
        redis_server.ask("CONFIG", "SET", "min-replicas-to-write", "1")
        try:
            await it.fail_until_open()
            it.asked.clear()
            await until_probed(it, times=3)
            assert it.door.is_open
        finally:
            redis_server.ask("CONFIG", "SET", "min-replicas-to-write", "0")
        await it.closed_again()
        await it.charge()


async def until_probed(it: Listened, times: int) -> None:
    async with asyncio.timeout(10):
        while sum(each.command == "probe" for each in it.asked) < times:  # noqa: ASYNC110  nobody tells of a probe
            await asyncio.sleep(PROBE_S / 5)


async def test_a_few_failures_between_good_answers_open_nothing(redis_server: RedisServer) -> None:
    async with wire_to(redis_server.port) as wire, listening(wire.url) as it:
        for _ in range(3):
            wire.delay_s = 0.2
            for _ in range(MOST_FAILURES - 1):
                await took_ms(it.charge())
            wire.delay_s = 0
            await it.charge()
        assert not it.door.is_open


async def test_a_gateway_that_starts_without_redis_finds_it_later() -> None:
    with running_redis() as server:
        server.kill()
        it = Listened(server.url, 30)
        assert not await it.door.greet()
        assert await took_ms(it.charge()) < 5, "nobody pays for finding out"
        server.start()
        await it.closed_again()
        assert await it.charge() == 1
        await it.door.aclose()


async def test_a_caller_that_hangs_up_is_no_failure_and_leaves_no_place(redis_server: RedisServer) -> None:
    async with wire_to(redis_server.port) as wire, listening(wire.url, deadline_ms=5000) as it:
        wire.delay_s = 0.05
        for number in range(2 * MOST_FAILURES):
            wish = demand((1000, 60), most=50, place=f"p{number}")
            call = asyncio.create_task(it.counters.decide(wish))
            await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            it.counters.leave(wish)
        wire.delay_s = 0
        await it.counters.aclose()
        assert not it.door.is_open
        assert (await it.counters.decide(demand((1000, 60), weight=0, most=50))).taken == (0,)


async def test_a_call_that_ends_while_it_is_admitted_keeps_no_place(redis_server: RedisServer) -> None:
    """Redis has given the place by then, and nobody heard of it."""
    alone = Plan(allowance({"sustained": "1000 per 1 minute"}, concurrent=1), {})
    async with wire_to(redis_server.port) as wire, listening(wire.url, deadline_ms=5000) as it:
        limits = RateLimits(it.counters, Plans({"alone": alone}))
        dealer = client(plan="alone")
        charged = redis_server.calls("evalsha")
        wire.delay_s = 2.0
        call = asyncio.create_task(limits.admit(dealer, 1))
        async with asyncio.timeout(1.5):
            while redis_server.calls("evalsha") == charged:  # noqa: ASYNC110  asked of Redis itself
                await asyncio.sleep(0.005)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        wire.delay_s = 0
        await it.counters.aclose()
        with await limits.admit(dealer, 1):
            pass


async def test_a_process_that_was_busy_takes_the_answer_that_lies_there(redis_server: RedisServer) -> None:
    """Longer than the deadline: that Redis answered long ago is seen when the loop looks again."""
    async with listening(redis_server.url) as it:
        for _ in range(4 * MOST_FAILURES):
            call = asyncio.create_task(it.charge())
            for _turn in range(4):  # the question is on its way, and the answer not yet read
                await asyncio.sleep(0)
            time.sleep(0.05)  # noqa: ASYNC251  this is the point
            await call
        assert {each.outcome for each in it.asked} == {"ok"}


async def test_places_that_a_charge_took_along_are_not_lost_with_its_caller(redis_server: RedisServer) -> None:
    async with listening(redis_server.url, deadline_ms=5000) as it:
        first, second = (demand((1000, 60), most=50, place=name) for name in ("first", "second"))
        assert (await it.counters.decide(first)).admitted
        client = it.door.client
        busy = [asyncio.create_task(it.door.ask(client.blpop(["nothing"], timeout=1))) for _ in range(MOST_CONNECTIONS)]
        await asyncio.sleep(0)
        it.counters.leave(first)
        call = asyncio.create_task(it.counters.decide(second))  # it is to tell Redis that the first one left
        await asyncio.sleep(0)
        call.cancel()  # before it got a connection
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.gather(*busy)
        await it.counters.aclose()
        assert (await it.counters.decide(demand((1000, 60), weight=0, most=50))).taken == (0,)
