"""Limits counted in the memory of one process."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from policies.counters import LEASE_S, RESOLUTION, Demand, Rate, Verdict, Window, key_of
from policies.recent import Recent


class Charges:
    """What one key was charged, oldest first: from when to when, and how many units in all of that."""

    __slots__ = ("ends_at", "entries", "used")

    def __init__(self) -> None:
        self.entries: deque[list[float]] = deque()
        self.used = 0
        self.ends_at = 0.0

    def forget(self, now: float, window_s: float) -> None:
        while self.entries and self.entries[0][1] + window_s <= now:
            self.used -= int(self.entries.popleft()[2])

    def add(self, now: float, window_s: float, weight: int) -> None:
        """Beside the charges of a moment ago, if there are any: see RESOLUTION."""
        newest = self.entries[-1] if self.entries else None
        if newest is not None and now - newest[0] < window_s / RESOLUTION:
            newest[1] = max(newest[1], now)
            newest[2] += weight
        else:
            self.entries.append([now, now, weight])
        self.used += weight
        self.ends_at = now + window_s

    def reset_s(self, now: float, window_s: float) -> float:
        return self.entries[0][1] + window_s - now if self.entries else 0.0

    def wait_s(self, now: float, window_s: float, surplus: int) -> float:
        """How long until `surplus` units have left; 0 if none has to."""
        wait = 0.0
        for _, last, amount in self.entries:
            if surplus <= 0:
                break
            surplus -= int(amount)
            wait = last + window_s - now
        return wait


class Places:
    """Who is at work under one cap, each until its lease ends."""

    __slots__ = ("ends_at", "leases")

    def __init__(self) -> None:
        self.leases: dict[str, float] = {}
        self.ends_at = 0.0

    def forget(self, now: float) -> None:
        """Leases are all equally long, so that the oldest come first."""
        while self.leases and self.leases[oldest := next(iter(self.leases))] <= now:
            del self.leases[oldest]

    def take(self, now: float, place: str) -> None:
        self.ends_at = self.leases[place] = now + LEASE_S


class MemoryCounters:
    """At most so many keys; the least recently used is forgotten first, ended ones all the time.

    Nothing here suspends, so a decision over several windows is one decision. `clock` is monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most_keys: int = 100_000) -> None:
        self._clock = clock
        self._charges: Recent[Charges] = Recent(Charges, clock, most_keys)
        self._places: Recent[Places] = Recent(Places, clock, most_keys)

    async def decide(self, demand: Demand) -> Verdict:
        return self.decide_now(demand)

    def decide_now(self, demand: Demand, *, whatever: bool = False) -> Verdict:
        """The decision; `whatever` it would be, one that was taken elsewhere is only written down."""
        now, weight = self._clock(), demand.weight
        windows = [self._window(demand.subject, rate, now) for rate in demand.rates]
        places = [self._under(demand.subject, cap.name, now) for cap in demand.caps]
        fits = not weight or all(
            charges.used + weight <= rate.quota for charges, rate in zip(windows, demand.rates, strict=True)
        )
        room = not demand.place or all(
            len(each.leases) < cap.most for each, cap in zip(places, demand.caps, strict=True)
        )
        admitted = whatever or (fits and room)
        if admitted and weight:
            for charges, rate in zip(windows, demand.rates, strict=True):
                charges.add(now, rate.window_s, weight)
        if admitted and demand.place:
            for each in places:
                each.take(now, demand.place)
        return Verdict(
            demand,
            admitted,
            tuple(
                Window(
                    charges.used,
                    charges.reset_s(now, rate.window_s),
                    0.0 if admitted else charges.wait_s(now, rate.window_s, charges.used + weight - rate.quota),
                )
                for charges, rate in zip(windows, demand.rates, strict=True)
            ),
            tuple(len(each.leases) for each in places),
        )

    def leave(self, demand: Demand) -> None:
        for cap in demand.caps:
            places = self._places.find(key_of(demand.subject, cap.name))
            if places is not None:
                places.leases.pop(demand.place, None)

    def __len__(self) -> int:
        return len(self._charges) + len(self._places)

    def _window(self, subject: str, rate: Rate, now: float) -> Charges:
        charges = self._charges.get(key_of(subject, rate.name))
        charges.forget(now, rate.window_s)
        return charges

    def _under(self, subject: str, name: str, now: float) -> Places:
        places = self._places.get(key_of(subject, name))
        places.forget(now)
        return places
