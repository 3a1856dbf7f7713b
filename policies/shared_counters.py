"""Limits counted for all replicas, and what happens while Redis does not answer: nobody waits, little is let through.

Every charge that Redis admitted is written down here as well. So a replica that has to go on alone starts from what it
let through itself, and not from nothing.

How much too much that can be: within one window, at most the limit that Redis admitted before, plus the shares of all
replicas (together the limit, or one unit for each replica where that is more); and the limit once more if Redis
forgot what it had counted. See docs/operating/dependencies.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from policies.counters import Cap, Counters, Demand, Rate, Verdict, Window
from policies.errors import CountersUnavailable
from policies.recent import Recent
from policies.windows import MemoryCounters

REMEMBERED_S = 1.0
MOST_REFUSALS = 10_000
Fallback = Literal["open", "closed", "local"]


class Share:
    """What one of several replicas may admit by itself: its part of every limit, at least one."""

    def __init__(self, memory: MemoryCounters, replicas: int) -> None:
        self._memory = memory
        self._replicas = replicas

    async def decide(self, demand: Demand) -> Verdict:
        """Raises CountersUnavailable for a call heavier than the share: it fits again when all count together."""
        if self._replicas == 1:
            return self._memory.decide_now(demand)
        smaller = replace(
            demand,
            rates=tuple(Rate(r.name, max(1, r.quota // self._replicas), r.window_s) for r in demand.rates),
            caps=tuple(Cap(c.name, max(1, c.most // self._replicas)) for c in demand.caps),
        )
        if any(demand.weight > rate.quota for rate in smaller.rates):
            raise CountersUnavailable
        return self._memory.decide_now(smaller)

    def leave(self, demand: Demand) -> None:
        self._memory.leave(demand)


class Refusal:
    """A refusal that holds until a moment, however often it is asked for."""

    __slots__ = ("at", "ends_at", "verdict")

    def __init__(self) -> None:
        self.at = self.ends_at = 0.0
        self.verdict: Verdict | None = None


class SharedCounters:
    """Redis while it answers, the share of this replica while it does not.

    A refusal by a window is remembered for a second at most: until the wait is over nothing can change it, and a flood
    of refused calls is answered from here. `fell_back` hears of every call that had to do without Redis.
    """

    def __init__(
        self,
        redis: Counters,
        memory: MemoryCounters,
        *,
        replicas: int = 1,
        fell_back: Callable[[Fallback], None] = lambda _mode: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._memory = memory
        self._share = Share(memory, replicas)
        self._fell_back = fell_back
        self._clock = clock
        self._refusals: Recent[Refusal] = Recent(Refusal, clock, MOST_REFUSALS)

    async def decide(self, demand: Demand) -> Verdict:
        known = self._refused_before(demand)
        if known is not None:
            return known
        try:
            verdict = await self._redis.decide(demand)
        except CountersUnavailable:
            verdict = await self._alone(demand)
            if not verdict.admitted:  # nobody will leave a place that Redis may have given all the same, too late
                self._redis.leave(demand)
            return verdict
        if not verdict.admitted:
            self._remember(verdict)
        elif demand.weight:
            self._memory.decide_now(demand, whatever=True)
        return verdict

    def leave(self, demand: Demand) -> None:
        self._memory.leave(demand)
        self._redis.leave(demand)

    async def _alone(self, demand: Demand) -> Verdict:
        self._fell_back(demand.outage)
        if demand.outage == "closed":
            raise CountersUnavailable
        if demand.outage == "local":
            return await self._share.decide(demand)
        nothing = tuple(Window(0, 0.0, 0.0) for _ in demand.rates)
        return Verdict(demand, admitted=True, windows=nothing, taken=(0,) * len(demand.caps), counted=False)

    def _refused_before(self, demand: Demand) -> Verdict | None:
        refusal = self._refusals.find(_name_of(demand)) if demand.weight else None
        now = self._clock()
        if refusal is None or refusal.verdict is None or refusal.ends_at <= now:
            return None
        return refusal.verdict.later(now - refusal.at)

    def _remember(self, verdict: Verdict) -> None:
        """Only what waiting alone cures: a place may get free at any moment."""
        if verdict.wait_s > 0:
            refusal = self._refusals.get(_name_of(verdict.demand))
            refusal.at = self._clock()
            refusal.ends_at = refusal.at + min(verdict.wait_s, REMEMBERED_S)
            refusal.verdict = verdict


def _name_of(demand: Demand) -> str:
    """Calls that are refused alike: of one client, under the same limits, of one weight."""
    return f"{demand.subject} {demand.weight} {' '.join(rate.name for rate in demand.rates)}"
