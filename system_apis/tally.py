"""What happened lately: counts over a window that slides along with the clock."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

SLOTS = 10


class Tally:
    """How many calls there were in the last `window_s` seconds, and how many of them were marked.

    Counted in tenths of the window, so that it costs the same however many calls there are.
    """

    def __init__(self, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._slot_s = window_s / SLOTS
        self._clock = clock
        self._slots: deque[list[int]] = deque()
        self.calls = 0
        self.marked = 0

    def add(self, calls: int = 0, marked: int = 0) -> None:
        now = self.forget()
        if not self._slots or self._slots[-1][0] != now:
            self._slots.append([now, 0, 0])
        slot = self._slots[-1]
        slot[1] += calls
        slot[2] += marked
        self.calls += calls
        self.marked += marked

    def forget(self) -> int:
        """Drop what is too old to count; the number of the current slot."""
        now = int(self._clock() / self._slot_s)
        while self._slots and self._slots[0][0] <= now - SLOTS:
            _, calls, marked = self._slots.popleft()
            self.calls -= calls
            self.marked -= marked
        return now

    def clear(self) -> None:
        self._slots.clear()
        self.calls = self.marked = 0
