"""A number per key and window, and nothing more: for keys that strangers choose, who must not make it cost much."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import ceil

from limits import parse

from policies.recent import Recent

MOST_KEYS = 100_000


class _Count:
    __slots__ = ("ends_at", "number")

    def __init__(self) -> None:
        self.number = 0
        self.ends_at = 0.0


class Tally:
    """Fixed windows: one starts with the first count of a key and ends so many seconds later. In this process alone;
    `limit` is in the notation of `limits`, `clock` monotonic seconds."""

    def __init__(self, limit: str, *, clock: Callable[[], float] = time.monotonic, most_keys: int = MOST_KEYS) -> None:
        rate = parse(limit)
        self._most, self._window_s = rate.amount, rate.get_expiry()
        self._clock = clock
        self._counts: Recent[_Count] = Recent(_Count, clock, most_keys)

    def spent_for_s(self, key: str) -> int:
        """Whole seconds until the key may be counted again, at least 1; 0 if it may be now."""
        count = self._counts.find(key)
        left_s = count.ends_at - self._clock() if count is not None and count.number >= self._most else 0.0
        return max(1, ceil(left_s)) if left_s > 0 else 0

    def count(self, key: str) -> None:
        count, now = self._counts.get(key), self._clock()
        if not count.number or count.ends_at <= now:
            count.number, count.ends_at = 0, now + self._window_s
        count.number += 1

    def __len__(self) -> int:
        return len(self._counts)
