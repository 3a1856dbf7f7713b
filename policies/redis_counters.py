"""Limits counted in Redis, for all replicas: one script, one round trip, the server's clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from hashlib import sha1
from itertools import chain
from pathlib import Path
from typing import Final, cast

from redis.exceptions import NoScriptError

from policies.counters import LEASE_S, RESOLUTION, Demand, Verdict, Window, key_of
from policies.errors import CountersUnavailable
from policies.redis_door import RedisDoor

CHARGE: Final = Path(__file__).with_name("charge.lua").read_text(encoding="utf-8")
MICRO: Final = 1_000_000
TOO_LATE: Final = -1
LATEST_S: Final = 0.005
"""How long places that were given back wait for a charge to take them along."""
MOST_KEPT: Final = 1000
MOST_DRIFT: Final = 0.001
_LEASE: Final = str(round(LEASE_S * MICRO))


class RedisCounters:
    """Decides like `MemoryCounters`, behind the door. `script` is for a test that brings its own clock.

    Places that were given back travel with the next charge of their client, or alone a moment later: a call costs one
    round trip, and who asks again right after its answer finds its place free.
    """

    def __init__(self, door: RedisDoor, *, script: str = CHARGE) -> None:
        self._door = door
        self._script = script
        self._sha = sha1(script.encode()).hexdigest()  # noqa: S324  how Redis names scripts
        self._ahead_us: float | None = None
        self._learnt_us = 0.0
        self._asked: set[str] = set()
        self._left: dict[str, list[str]] = {}
        self._sending: asyncio.Task[None] | None = None

    async def decide(self, demand: Demand) -> Verdict:
        """Raises CountersUnavailable if Redis does not answer in time; then it charges nothing later on either."""
        windows = [key_of(demand.subject, rate.name) for rate in demand.rates]
        given_back = {key: self._left.pop(key, []) for key in (key_of(demand.subject, cap.name) for cap in demand.caps)}
        keys = [*windows, *given_back]
        if demand.place and not self._door.is_open:
            self._asked.add(demand.place)
        told = _told(demand) + [word for places in given_back.values() for word in (str(len(places)), *places)]
        try:
            verdict = _verdict(demand, await self._in_time(keys, demand, told))
        except BaseException:  # no answer, or nobody there to hear it: they are still to be given back
            self._keep(given_back)
            raise
        if not verdict.admitted:
            self._asked.discard(demand.place)
        return verdict

    def leave(self, demand: Demand) -> None:
        """What Redis was never asked for, it need not be told of: an outage must not push out what it does hold."""
        if demand.place in self._asked:
            self._asked.discard(demand.place)
            for cap in demand.caps:
                self._left.setdefault(key_of(demand.subject, cap.name), []).append(demand.place)
            if self._sending is None and demand.caps:
                self._sending = asyncio.create_task(self._send())

    async def aclose(self) -> None:
        """Until every place that was given back is on its way."""
        if self._sending is not None:
            await self._sending

    async def _send(self) -> None:
        """What no charge took along. What is never sent ends with its lease."""
        await asyncio.sleep(LATEST_S)
        self._sending = None
        while self._left:
            key, places = self._left.popitem()
            command = self._door.client.zrem(key, *places)
            try:
                await self._door.ask(command, name="leave")
            except CountersUnavailable:
                self._keep({key: places})
                return

    def _keep(self, given_back: dict[str, list[str]]) -> None:
        """For a later charge to take along: an outage must not leave places taken by calls that ended in it."""
        for key, places in given_back.items():
            if places:
                self._left[key] = (places + self._left.get(key, []))[-MOST_KEPT:]

    async def _in_time(self, keys: list[str], demand: Demand, told: list[str]) -> list[int]:
        for _ in range(2):
            began_us = time.monotonic() * MICRO
            wish = [str(demand.weight), demand.place, _LEASE, self._give_up_at(began_us)]
            answer = await self._run(keys, wish + told)
            if answer[0] != TOO_LATE:
                self._learn(answer[1] - began_us, began_us)
                return answer
            self._ahead_us = answer[1] - began_us  # its clock was set, or it is another server now
        raise CountersUnavailable

    def _learn(self, ahead_us: float, now_us: float) -> None:
        """How far Redis' clock is ahead of ours. The way there makes it look further: the least of all is the best,
        for as long as clocks may have drifted apart since."""
        if self._ahead_us is not None:
            drift_us = (now_us - self._learnt_us) * MOST_DRIFT
            ahead_us = min(ahead_us, self._ahead_us + drift_us)
        self._ahead_us, self._learnt_us = ahead_us, now_us

    async def _run(self, keys: list[str], arguments: list[str]) -> list[int]:
        client = self._door.client
        try:
            command = client.evalsha(self._sha, len(keys), *keys, *arguments)
            return await self._door.ask(cast(Awaitable[list[int]], command), name="charge")
        except NoScriptError:  # a restart or a fail-over forgot it: this time with its text, which Redis then keeps
            command = client.eval(self._script, len(keys), *keys, *arguments)
            return await self._door.ask(cast(Awaitable[list[int]], command), name="load")

    def _give_up_at(self, now_us: float) -> str:
        """When we shall have stopped waiting, by Redis' clock; 0 as long as that is not known."""
        return "0" if self._ahead_us is None else str(round(now_us + self._ahead_us + self._door.deadline_s * MICRO))


def _told(demand: Demand) -> list[str]:
    lengths = chain.from_iterable((rate.quota, rate.window_s * MICRO) for rate in demand.rates)
    return [str(number) for number in (RESOLUTION, len(demand.rates), *lengths, *(cap.most for cap in demand.caps))]


def _verdict(demand: Demand, answer: list[int]) -> Verdict:
    ends = 2 + 3 * len(demand.rates)
    windows = (answer[at : at + 3] for at in range(2, ends, 3))
    return Verdict(
        demand,
        answer[0] == 1,
        tuple(Window(used, reset / MICRO, wait / MICRO) for used, reset, wait in windows),
        tuple(answer[ends:]),
    )
