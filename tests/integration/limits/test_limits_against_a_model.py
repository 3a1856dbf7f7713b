"""Any history of calls, on two replicas that share a real Redis, against a model that remembers every charge."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from itertools import count
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from policies.counters import LEASE_S, RESOLUTION, Cap, Demand, Rate, Verdict
from policies.redis_counters import RedisCounters
from policies.redis_door import RedisDoor
from policies.windows import MemoryCounters
from tests.integration.limits.stores import A_WHILE_MS, Clock, on_the_clock_of_the_test
from tests.redis_server import RedisServer

T = TypeVar("T")
COMMON = (Rate("burst", 6, 2), Rate("sustained", 15, 60))
OF_CHECKS = Rate("check-sustained", 8, 30)
CAPS, CAP_OF_CHECKS = (Cap("concurrent", 3),), Cap("check-concurrent", 2)
WEIGHTS = st.integers(1, 6)
REPLICAS = st.sampled_from([0, 1])


class Model:
    """Every charge and every place there ever was."""

    def __init__(self) -> None:
        self.charges: list[tuple[float, str, int]] = []
        self.places: dict[str, tuple[float, tuple[str, ...]]] = {}

    def charge(self, now: float, demand: Demand) -> None:
        self.charges += [(now, rate.name, demand.weight) for rate in demand.rates]
        if demand.place:
            self.places[demand.place] = now, tuple(cap.name for cap in demand.caps)

    def used(self, now: float, rate: Rate, longer_s: float = 0.0) -> int:
        since = now - rate.window_s - longer_s
        return sum(weight for at, name, weight in self.charges if name == rate.name and at > since)

    def taken(self, now: float, cap: Cap) -> int:
        return sum(cap.name in caps and at + LEASE_S > now for at, caps in self.places.values())


class Replicas(RuleBasedStateMachine):
    server: RedisServer

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.server.ask("FLUSHALL")
        self.clock, self.model, self.numbers = Clock(self.server), Model(), count()
        self.memory = MemoryCounters(clock=self.clock)
        self.doors = [RedisDoor(self.server.url, deadline_ms=A_WHILE_MS) for _ in range(2)]
        self.replicas = [RedisCounters(door, script=on_the_clock_of_the_test()) for door in self.doors]
        self.at_work: list[tuple[int, Demand]] = []

    def teardown(self) -> None:
        for door in self.doors:
            self.run(door.aclose())
        self.runner.close()

    def run(self, what: Awaitable[T]) -> T:
        async def waited() -> T:
            return await what

        return self.runner.run(waited())

    def wish(self, weight: int, *, check: bool, place: bool) -> Demand:
        rates = (*COMMON, OF_CHECKS) if check else COMMON
        caps = (*CAPS, CAP_OF_CHECKS) if check else CAPS
        return Demand("crm", rates, caps, weight, f"p{next(self.numbers)}" if place else "")

    @initialize()
    def start(self) -> None:
        """The script is there, or not: both happen."""

    @rule(replica=REPLICAS, weight=WEIGHTS, check=st.booleans(), place=st.booleans())
    def call(self, replica: int, weight: int, check: bool, place: bool) -> None:
        wish = self.wish(weight, check=check, place=place)
        said, elsewhere = self.run(self.replicas[replica].decide(wish)), self.memory.decide_now(wish)
        assert said == elsewhere, "memory and Redis decide alike, and tell alike"
        self.judge(replica, said)

    @rule(wishes=st.lists(st.tuples(REPLICAS, WEIGHTS, st.booleans()), min_size=2, max_size=8))
    def calls_at_once(self, wishes: list[tuple[int, int, bool]]) -> None:
        asked = [(replica, self.wish(weight, check=check, place=True)) for replica, weight, check in wishes]

        async def together() -> list[Verdict]:
            return await asyncio.gather(*(self.replicas[replica].decide(wish) for replica, wish in asked))

        verdicts = sorted(zip(asked, self.run(together()), strict=True), key=lambda one: not one[1].admitted)
        for (replica, wish), verdict in verdicts:
            assert self.memory.decide_now(wish).admitted == verdict.admitted, "there is an order that explains it"
            self.judge(replica, verdict)

    def judge(self, replica: int, verdict: Verdict) -> None:
        """A call is refused only if it would be one too many, and is let through only if it is not."""
        wish, now, model = verdict.demand, self.clock.now, self.model
        if verdict.admitted:
            model.charge(now, wish)
            assert all(model.used(now, rate) <= rate.quota for rate in wish.rates)
            assert not wish.place or all(model.taken(now, cap) <= cap.most for cap in wish.caps)
            if wish.place:
                self.at_work.append((replica, wish))
            return
        spent = {r.name for r in wish.rates if model.used(now, r, r.window_s / RESOLUTION) + wish.weight > r.quota}
        full = {cap.name for cap in wish.caps if model.taken(now, cap) >= cap.most}
        assert set(verdict.violated) <= spent | full
        assert verdict.violated

    @rule(seconds=st.sampled_from([0.125, 0.5, 1, 2, 7, 30, 60, 61]))
    def time_passes(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    @rule(replica=REPLICAS, weight=WEIGHTS, check=st.booleans())
    def come_back_when_told(self, replica: int, weight: int, check: bool) -> None:
        wish = self.wish(weight, check=check, place=False)
        looked = self.memory.decide_now(wish)
        assert self.run(self.replicas[replica].decide(wish)) == looked
        self.judge(replica, looked)
        if not looked.admitted:
            self.clock.sleep(looked.wait_s)
            again = self.run(self.replicas[1 - replica].decide(wish))
            assert again == self.memory.decide_now(wish)
            assert again.admitted, "who waits as long as it was told gets in"
            self.judge(replica, again)

    # No preconditions: which calls are at work depends on which of those at once came first, and a history that is
    # tried again has to offer the same rules.
    @rule(which=st.integers(0, 100))
    def a_call_ends(self, which: int) -> None:
        if not self.at_work:
            return
        replica, wish = self.at_work.pop(which % len(self.at_work))

        async def leave() -> None:
            self.replicas[replica].leave(wish)
            await self.replicas[replica].aclose()

        self.run(leave())
        self.memory.leave(wish)
        del self.model.places[wish.place]

    @rule(dead=REPLICAS)
    def a_replica_dies(self, dead: int) -> None:
        """Its calls are never heard of again: their leases end."""
        self.at_work = [one for one in self.at_work if one[0] != dead]

    @rule()
    def the_scripts_are_flushed(self) -> None:
        self.server.ask("SCRIPT", "FLUSH")

    @invariant()
    def a_look_is_true_and_free(self) -> None:
        look = Demand("crm", (*COMMON, OF_CHECKS), (*CAPS, CAP_OF_CHECKS))
        said = self.run(self.replicas[0].decide(look))
        assert said == self.memory.decide_now(look)
        for rate, window in zip(look.rates, said.windows, strict=True):
            now = self.clock.now
            most = self.model.used(now, rate, rate.window_s / RESOLUTION)
            assert self.model.used(now, rate) <= window.used <= most
        assert said.taken == tuple(self.model.taken(self.clock.now, cap) for cap in look.caps)


@pytest.mark.timeout(300)
def test_two_replicas_and_a_memory_decide_like_the_model(redis_server: RedisServer) -> None:
    Replicas.server = redis_server
    quick = settings(max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Replicas, settings=quick)
