"""Both stores of limits, on a clock of the test's own."""

from __future__ import annotations

from policies.clients import Client
from policies.counters import Cap, Counters, Demand, Rate
from policies.redis_counters import CHARGE, RedisCounters
from policies.redis_door import RedisDoor
from policies.windows import MemoryCounters
from tests.redis_server import RedisServer

CLOCK_KEY = "clock-of-the-test"
A_WHILE_MS = 5_000
"""Longer than the default: what is shown is what is decided, not how fast on a busy machine."""


class Clock:
    """Seconds in eighths: both stores, of which one counts microseconds, can say them exactly."""

    def __init__(self, redis: RedisServer | None = None) -> None:
        self._redis = redis
        self.now = 0.0
        self.sleep(1000)

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 8) / 8
        if self._redis is not None:
            self._redis.ask("SET", CLOCK_KEY, str(round(self.now * 1_000_000)))

    def __call__(self) -> float:
        return self.now


def on_the_clock_of_the_test() -> str:
    """The script as it is, but for the two lines that read the clock."""
    before, rest = CHARGE.split("-- clock:", 1)
    after = rest.split("-- end of clock", 1)[1]
    return f"{before}local now = tonumber(redis.call('GET', '{CLOCK_KEY}')){after}"


class Store:
    """One of the stores with its clock; `another` counts in the same place, as a second replica does."""

    def __init__(self, name: str, server: RedisServer) -> None:
        self.name = name
        self.server = server
        self.clock = Clock(server if name == "redis" else None)
        self._doors: list[RedisDoor] = []
        self.counters: Counters = MemoryCounters(clock=self.clock) if name == "memory" else self._of_redis()

    def another(self) -> Counters:
        return self.counters if self.name == "memory" else self._of_redis()

    def _of_redis(self) -> RedisCounters:
        self._doors.append(RedisDoor(self.server.url, deadline_ms=A_WHILE_MS))
        return RedisCounters(self._doors[-1], script=on_the_clock_of_the_test())

    async def settled(self) -> None:
        """Until every place that was given back arrived: nobody else waits for that."""
        if isinstance(self.counters, RedisCounters):
            await self.counters.aclose()

    async def aclose(self) -> None:
        for door in self._doors:
            await door.aclose()


def client(limit: str = "10 per 1 minute", client_id: str = "crm", plan: str = "") -> Client:
    return Client(client_id, client_id, "crm", frozenset(), limit=limit, plan=plan)


def demand(*rates: tuple[int, int], weight: int = 1, most: int | None = None, place: str = "") -> Demand:
    """Rates as quota and seconds, a cap as its places."""
    named = tuple(Rate(f"r{number}", quota, window_s) for number, (quota, window_s) in enumerate(rates))
    caps = () if most is None else (Cap("concurrent", most),)
    return Demand("crm", named, caps, weight, place)
