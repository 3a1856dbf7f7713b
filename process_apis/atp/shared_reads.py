"""Equal questions under way are asked once, for all who ask them, and answers are kept shortly for who may have them.

What is shared are facts as a system gave them; what a client may see of them is decided afterwards, for each.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Generic, NamedTuple, TypeVar

from process_apis.provenance import Outcome
from system_apis.deadline import Deadline
from system_apis.errors import SystemRefused, SystemTimeout, SystemUnavailable, UpstreamError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_KEPT = 10_000
RESERVE_S, RESERVE_SHARE = 0.02, 0.1
"""What a neighbour's deadline is sooner than the caller's: time to put the answer together, and for the way back."""
WORTH_ASKING_S = 0.01


class Freshness(NamedTuple):
    """How old an answer may be: kept ones, in seconds; and how long ago a question was asked that may be joined."""

    kept_s: float = 0.0
    joined_s: float = inf


LIVE = Freshness()


class Found(NamedTuple, Generic[V]):
    """A value or why there is none: a clear no to one of many questions is its value. `kept`: read for another call;
    `alone`: the failure is of this question, not of all that were asked together."""

    value: V | None
    failure: UpstreamError | None = None
    late: bool = False
    kept: bool = False
    alone: bool = False

    @property
    def outcome(self) -> Outcome:
        """How the question went, in the word that a source shows. In a maintenance window it is not asked at all."""
        if self.value is not None:
            return "ok"
        if isinstance(self.failure, SystemUnavailable) and self.failure.held_by == "maintenance":
            return "skipped"
        return "timeout" if self.late else "error"


@dataclass(slots=True, eq=False)
class _Flight(Generic[K, V]):
    """A question under way. `waiting` counts those who wait: it is given up when nobody does any more."""

    task: asyncio.Task[Mapping[K, V]]
    keys: Sequence[K]
    began: float
    ends: float
    waiting: int = 0


class SharedReads(Generic[K, V]):
    """One kind of question. `kept_s` is how long its answers are kept at all."""

    def __init__(self, kept_s: float = 0.0) -> None:
        self._kept_s = kept_s
        self._kept: dict[K, tuple[float, V]] = {}
        self._flying: dict[K, _Flight[K, V]] = {}

    @property
    def under_way(self) -> int:
        return len(set(map(id, self._flying.values())))

    @property
    def kept(self) -> int:
        """How many answers are remembered: none for much longer than anybody may have it, once others come."""
        return len(self._kept)

    async def fetch(
        self,
        keys: Iterable[K],
        ask: Callable[[Sequence[K], Deadline], Awaitable[Mapping[K, V]]],
        deadline: Deadline,
        fresh: Freshness = LIVE,
    ) -> dict[K, Found[V]]:
        """Each key with its value or why there is none: kept, joined, or asked for, all that is missing together.

        Who joins a question waits until his own deadline: if the one who asked had less time, it is asked again.
        """
        found: dict[K, Found[V]] = {}
        missing = list(dict.fromkeys(keys))
        while True:
            found |= {key: one for key in missing if (one := self._remembered(key, fresh)) is not None}
            missing = [key for key in missing if key not in found]
            if not missing:
                return found
            flights = self._flights(missing, ask, deadline, fresh)
            heard = await self._wait(flights, deadline)
            again = [key for key in missing if self._cut_short(flights[key], heard[key], deadline)]
            found |= {key: heard[key] for key in missing if key not in again}
            missing = again

    def _remembered(self, key: K, fresh: Freshness) -> Found[V] | None:
        kept = self._kept.get(key) if fresh.kept_s > 0 else None
        if kept is None or time.monotonic() - kept[0] > min(fresh.kept_s, self._kept_s):
            return None
        return Found(kept[1], kept=True)

    def _flights(
        self,
        keys: Sequence[K],
        ask: Callable[[Sequence[K], Deadline], Awaitable[Mapping[K, V]]],
        deadline: Deadline,
        fresh: Freshness,
    ) -> dict[K, _Flight[K, V]]:
        now = time.monotonic()
        joined = {key: one for key in keys if (one := self._joinable(key, now, fresh)) is not None}
        missing = [key for key in keys if key not in joined]
        if not missing:
            return joined
        ends = deadline.at - min(RESERVE_S, deadline.remaining_s * RESERVE_SHARE)
        task = asyncio.get_running_loop().create_task(_asked(ask, missing, Deadline(ends)))
        flight: _Flight[K, V] = _Flight(task, missing, now, ends)
        task.add_done_callback(lambda _: self._landed(flight))
        self._flying |= dict.fromkeys(missing, flight)
        return joined | dict.fromkeys(missing, flight)

    def _joinable(self, key: K, now: float, fresh: Freshness) -> _Flight[K, V] | None:
        flight = self._flying.get(key)
        return flight if flight is not None and fresh.joined_s > 0 and now - flight.began <= fresh.joined_s else None

    async def _wait(self, flights: Mapping[K, _Flight[K, V]], deadline: Deadline) -> dict[K, Found[V]]:
        distinct = set(flights.values())
        for flight in distinct:
            flight.waiting += 1
        try:
            await asyncio.wait({flight.task for flight in distinct}, timeout=deadline.remaining_s)
        finally:
            for flight in distinct:
                flight.waiting -= 1
                if not flight.waiting and not flight.task.done():
                    self._forget(flight)  # it lands later, and nobody may join it until then
                    flight.task.cancel()
        return {key: _outcome(flight.task, key) for key, flight in flights.items()}

    def _cut_short(self, flight: _Flight[K, V], heard: Found[V], deadline: Deadline) -> bool:
        """Whether the question ended for want of time that we still have."""
        return heard.late and flight.ends + RESERVE_S < deadline.at and deadline.remaining_s > WORTH_ASKING_S

    def _landed(self, flight: _Flight[K, V]) -> None:
        self._forget(flight)
        # Reading the exception marks it as seen: nobody may be waiting any more.
        if flight.task.cancelled() or flight.task.exception() is not None or not self._kept_s:
            return
        for key, value in flight.task.result().items():
            if isinstance(value, UpstreamError):
                continue  # a no is heard by who asked; the next one asks again
            self._kept.pop(key, None)  # the latest stands last, so that the oldest goes first
            self._kept[key] = (flight.began, value)
        oldest = next(iter(self._kept.items()), None)
        while oldest and (len(self._kept) > MOST_KEPT or oldest[1][0] + self._kept_s < time.monotonic()):
            del self._kept[oldest[0]]
            oldest = next(iter(self._kept.items()), None)

    def _forget(self, flight: _Flight[K, V]) -> None:
        for key in flight.keys:
            if self._flying.get(key) is flight:
                del self._flying[key]


async def _asked(
    ask: Callable[[Sequence[K], Deadline], Awaitable[Mapping[K, V]]], keys: Sequence[K], deadline: Deadline
) -> Mapping[K, V]:
    return await ask(keys, deadline)


def _outcome(task: asyncio.Task[Mapping[K, V]], key: K) -> Found[V]:
    if not task.done() or task.cancelled():
        return Found(None, late=True)
    failure = task.exception()
    if failure is None:
        told = task.result()[key]
        if isinstance(told, UpstreamError) and not (isinstance(told, SystemRefused) and told.final):
            return Found(None, told, alone=True)  # no answer to this one, whatever became of the others
        return Found(told)
    if not isinstance(failure, UpstreamError):
        raise failure
    return Found(None, failure, late=isinstance(failure, SystemTimeout))
