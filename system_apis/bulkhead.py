"""A bulkhead: one slow neighbour may fill its own compartment, never the whole ship.

A bounded number of calls to an instance is under way at any time. A quarter of the places is out of reach for reads
and another quarter for writes: a flood of questions leaves room for the deeds that orders wait for, and a flood of
deeds leaves room for the questions that tell what became of them. Of those who wait, writes go first.
"""

from __future__ import annotations

import asyncio
from collections import deque

DEFAULT_PLACES = 64


class BulkheadFull(Exception):
    """No place came free in time."""


class Bulkhead:
    """The places of one instance."""

    def __init__(self, places: int = DEFAULT_PLACES) -> None:
        if places < 1:
            raise ValueError("a bulkhead has at least one place")
        self._places = places
        self._most_of_a_kind = max(1, places - max(1, places // 4))
        self._inside = {True: 0, False: 0}
        self._waiting: dict[bool, deque[asyncio.Future[None]]] = {True: deque(), False: deque()}

    @property
    def in_use(self) -> int:
        return self._inside[True] + self._inside[False]

    @property
    def waiting(self) -> int:
        return len(self._waiting[True]) + len(self._waiting[False])

    async def enter(self, *, writes: bool, patience_s: float) -> None:
        """Take a place, waiting for one if need be; every entry is followed by one `leave`."""
        if not self._waiting[writes] and self._room(writes=writes):
            self._inside[writes] += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting[writes].append(place)
        try:
            async with asyncio.timeout(patience_s):
                await place
        except TimeoutError:
            self._give_up(place, writes=writes)
            raise BulkheadFull(f"{self._places} calls are under way") from None
        except BaseException:
            self._give_up(place, writes=writes)
            raise

    def leave(self, *, writes: bool) -> None:
        self._inside[writes] -= 1
        self._let_in()

    def _give_up(self, place: asyncio.Future[None], *, writes: bool) -> None:
        if place.done() and not place.cancelled():
            self.leave(writes=writes)  # the place came in the same moment as the end of the patience
        elif place in self._waiting[writes]:
            self._waiting[writes].remove(place)

    def _let_in(self) -> None:
        for writes in (True, False):
            while self._waiting[writes] and self._room(writes=writes):
                place = self._waiting[writes].popleft()
                if not place.done():  # else it was cancelled, and its owner has not run yet
                    self._inside[writes] += 1
                    place.set_result(None)

    def _room(self, *, writes: bool) -> bool:
        return self.in_use < self._places and self._inside[writes] < self._most_of_a_kind
