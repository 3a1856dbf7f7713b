"""Replicas that count together, and what each does when Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from policies.counters import Counters, Demand, key_of
from policies.errors import CountersUnavailable
from policies.redis_counters import MOST_KEPT, RedisCounters
from policies.redis_door import RedisDoor
from policies.shared_counters import Fallback, Share, SharedCounters
from policies.windows import MemoryCounters
from tests.integration.limits.stores import demand
from tests.redis_server import RedisServer, running_redis, wire_to

REPLICAS = 4


class Replica:
    """One process of several, with what it told of going on alone."""

    def __init__(self, url: str, replicas: int = REPLICAS) -> None:
        self.fallbacks: list[Fallback] = []
        self.closed = asyncio.Event()
        self.closed.set()
        self.door = RedisDoor(url, deadline_ms=300, turned=self._turned, probe_every_s=0.05)
        self.counters: Counters = SharedCounters(
            RedisCounters(self.door), MemoryCounters(), replicas=replicas, fell_back=self.fallbacks.append
        )

    def _turned(self, *, is_open: bool) -> None:
        if is_open:
            self.closed.clear()
        else:
            self.closed.set()

    async def admits(self, wish: Demand, calls: int) -> int:
        return sum([(await self.counters.decide(wish)).admitted for _ in range(calls)])

    async def found_again(self) -> None:
        async with asyncio.timeout(10):
            await self.closed.wait()


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
async def replicas(server: RedisServer) -> AsyncIterator[list[Replica]]:
    async with AsyncExitStack() as stack:
        several = [Replica(server.url) for _ in range(REPLICAS)]
        for each in several:
            assert await each.door.greet()
            stack.push_async_callback(each.door.aclose)
        yield several


async def test_with_redis_all_count_together(replicas: list[Replica], server: RedisServer) -> None:
    wish = demand((100, 60))
    assert sum([await each.admits(wish, 40) for each in replicas]) == 100
    assert all(not each.fallbacks for each in replicas)
    assert server.calls("evalsha") > 100


async def test_alone_each_lets_through_its_share_from_what_it_let_through_before(
    replicas: list[Replica], server: RedisServer
) -> None:
    wish = demand((100, 60))
    first, second, third, fourth = replicas
    assert await first.admits(wish, 10) == 10
    assert await second.admits(wish, 40) == 40
    server.kill()
    assert await first.admits(wish, 100) == 15, "25 are its share, of which 10 are gone"
    assert await second.admits(wish, 100) == 0
    assert await third.admits(wish, 100) == 25
    assert await fourth.admits(wish, 100) == 25
    assert set(first.fallbacks) == {"local"}


async def test_too_much_is_never_more_than_what_redis_knew_and_forgot_and_the_shares(
    replicas: list[Replica], server: RedisServer
) -> None:
    """The worst there is, in one window: all of it through one replica, a kill, all shares, a restart that forgot."""
    wish, limit = demand((100, 60)), 100
    before = await replicas[0].admits(wish, 150)
    server.kill()
    alone = sum([await each.admits(wish, 150) for each in replicas])
    server.start()
    for each in replicas:
        await each.found_again()
    after = sum([await each.admits(wish, 150) for each in replicas])
    assert (before, alone, after) == (limit, limit - limit // REPLICAS, limit)
    assert before + alone + after <= 3 * limit


async def test_a_server_that_was_only_frozen_remembers(replicas: list[Replica], server: RedisServer) -> None:
    wish, limit = demand((100, 60)), 100
    before = await replicas[0].admits(wish, 150)
    server.freeze()
    alone = sum([sum(await asyncio.gather(*(each.admits(wish, 20) for _ in range(8)))) for each in replicas])
    server.thaw()
    for each in replicas:
        await each.found_again()
    after = sum([await each.admits(wish, 150) for each in replicas])
    assert (before, after) == (limit, 0)
    assert alone <= limit


async def test_a_call_heavier_than_the_share_has_to_wait_for_redis(
    replicas: list[Replica], server: RedisServer
) -> None:
    server.kill()
    assert await replicas[0].admits(demand((100, 60), weight=25), 1) == 1
    with pytest.raises(CountersUnavailable):
        await replicas[1].admits(demand((100, 60), weight=26), 1)


async def test_alone_places_are_shared_too(replicas: list[Replica], server: RedisServer) -> None:
    here = replicas[0]
    held = [demand(most=8, place=f"p{number}") for number in range(3)]
    assert (await here.counters.decide(held[0])).taken == (1,)
    server.kill()
    assert (await here.counters.decide(held[1])).admitted
    assert not (await here.counters.decide(held[2])).admitted, "two of eight are the share of one of four"
    here.counters.leave(held[0])
    assert (await here.counters.decide(held[2])).admitted


async def test_a_place_that_was_given_back_in_an_outage_is_free_after_it(
    replicas: list[Replica], server: RedisServer
) -> None:
    here, held = replicas[0], demand(most=1, place="held")
    assert (await here.counters.decide(held)).admitted
    server.freeze()
    while not here.door.is_open:
        await here.admits(demand((100, 60)), 1)
    here.counters.leave(held)
    server.thaw()
    await here.found_again()
    assert (await here.counters.decide(demand(most=1, place="next"))).admitted


async def test_a_place_that_redis_gave_too_late_to_a_call_refused_here_is_given_back(
    server: RedisServer,
) -> None:
    async with wire_to(server.port) as wire:
        here = Replica(wire.url)
        assert await here.door.greet()
        held = [demand(most=8, place=f"p{number}") for number in range(3)]
        assert [(await here.counters.decide(each)).admitted for each in held[:2]] == [True, True]
        wire.delay_s = 0.6
        assert not (await here.counters.decide(held[2])).admitted, "two of eight are the share of one of four"
        assert server.ask("ZCARD", key_of("crm", "concurrent")) == 3, "Redis gave it, and was not heard in time"
        wire.delay_s = 0
        assert (await here.counters.decide(demand(weight=0, most=8))).taken == (2,), "the next call takes it along"
        await here.door.aclose()


async def test_what_was_refused_in_an_outage_pushes_out_no_place_that_redis_holds(
    replicas: list[Replica], server: RedisServer
) -> None:
    here, held = replicas[0], demand(most=1, place="held")
    assert (await here.counters.decide(held)).admitted
    server.freeze()
    while not here.door.is_open:
        await here.admits(demand((100, 60)), 1)
    here.counters.leave(held)
    for number in range(2 * MOST_KEPT):
        refused = Demand("crm", (), held.caps, 1, f"refused-{number}", "closed")
        with pytest.raises(CountersUnavailable):
            await here.counters.decide(refused)
        here.counters.leave(refused)
    server.thaw()
    await here.found_again()
    assert (await here.counters.decide(demand(most=1, place="next"))).admitted


@pytest.mark.parametrize("outage", ["open", "closed"])
async def test_a_route_may_ask_for_all_or_for_nobody(
    replicas: list[Replica], server: RedisServer, outage: Fallback
) -> None:
    strict = demand((1, 60))
    wish = Demand(strict.subject, strict.rates, (), 1, "", outage)
    assert await replicas[0].admits(wish, 3) == 1, "with Redis it makes no difference"
    server.kill()
    if outage == "open":
        assert await replicas[1].admits(wish, 30) == 30
        assert not (await replicas[1].counters.decide(wish)).counted
    else:
        with pytest.raises(CountersUnavailable):
            await replicas[1].admits(wish, 1)
    assert set(replicas[1].fallbacks) == {outage}


async def test_a_flood_of_refused_calls_asks_redis_once_a_second(replicas: list[Replica], server: RedisServer) -> None:
    wish = demand((5, 60))
    assert await replicas[0].admits(wish, 5) == 5
    server.ask("CONFIG", "RESETSTAT")
    verdicts = [await replicas[0].counters.decide(wish) for _ in range(300)]
    assert not any(verdict.admitted for verdict in verdicts)
    assert server.calls("evalsha") <= 2
    assert verdicts[-1].wait_s < verdicts[0].wait_s, "and the wait it tells gets shorter"
    assert verdicts[-1].windows[0].used == 5


async def test_a_remembered_refusal_ends_when_its_wait_does(replicas: list[Replica]) -> None:
    wish = demand((5, 1))
    assert await replicas[0].admits(wish, 6) == 5
    verdict = await replicas[0].counters.decide(wish)
    await asyncio.sleep(verdict.wait_s)
    assert (await replicas[0].counters.decide(wish)).admitted


async def test_without_redis_a_process_counts_for_its_share_from_the_start() -> None:
    share = Share(MemoryCounters(), replicas=4)
    wish = demand((100, 60))
    assert sum([(await share.decide(wish)).admitted for _ in range(100)]) == 25
