"""Where one process counts: moving windows and counters in memory, a store for the strategies of `limits`.

Its own MemoryStorage is not used: per call it starts a task that hops to a thread for every key it holds (60 µs of CPU
with one client, 330 with twenty), it cannot say when a call of a given weight will fit, and its clock is the wall's.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from limits.aio.storage import MovingWindowSupport, Storage

MOST_KEYS = 100_000


class Window:
    """What one key was charged: the moments, the amounts, and their sum."""

    __slots__ = ("charges", "ends_at", "used")

    def __init__(self) -> None:
        self.charges: deque[tuple[float, int]] = deque()
        self.used = 0
        self.ends_at = 0.0

    def forget_until(self, moment: float) -> None:
        while self.charges and self.charges[0][0] <= moment:
            self.used -= self.charges.popleft()[1]

    def charge(self, at: float, amount: int, expiry: float) -> None:
        self.charges.append((at, amount))
        self.used += amount
        self.ends_at = at + expiry

    def frees_at(self, amount: int) -> float | None:
        """When at least `amount` of what was charged will have left a window of length zero; None if never."""
        freed = 0
        for at, charged in self.charges:
            freed += charged
            if freed >= amount:
                return at
        return None


class MemoryWindows(Storage, MovingWindowSupport):
    """At most `most_keys` keys; the least recently used is forgotten first, ended ones all the time.

    Nothing here suspends: between two awaits of these methods no other call gets in between, so a decision over several
    windows is one decision. `clock` is monotonic seconds.
    """

    STORAGE_SCHEME = None

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most_keys: int = MOST_KEYS) -> None:
        super().__init__()
        self.clock = clock
        self._most_keys = most_keys
        self._windows: OrderedDict[str, Window] = OrderedDict()

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Charge `amount`, unless the last `expiry` seconds would then hold more than `limit`."""
        window, now = self._window(key), self.clock()
        window.forget_until(now - expiry)
        if window.used + amount > limit:
            return False
        window.charge(now, amount, expiry)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002  limits' signature
        """The oldest charge that still counts (now, if none does) and the sum of all that do."""
        window, now = self._windows.get(key), self.clock()
        if window is None:
            return now, 0
        window.forget_until(now - expiry)
        return (window.charges[0][0] if window.charges else now), window.used

    def seconds_until_room(self, key: str, limit: int, expiry: int, amount: int) -> float:
        """How long until `amount` fits; 0 if it does now. The caller saw to `amount` ≤ `limit`."""
        window, now = self._windows.get(key), self.clock()
        if window is None:
            return 0.0
        window.forget_until(now - expiry)
        frees_at = window.frees_at(window.used + amount - limit)
        return 0.0 if window.used + amount <= limit or frees_at is None else frees_at + expiry - now

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """A fixed window: it starts with the first charge and ends `expiry` seconds later."""
        window, now = self._window(key), self.clock()
        if window.ends_at <= now:
            window.used, window.ends_at = 0, now + expiry
        window.used += amount
        return window.used

    async def get(self, key: str) -> int:
        window = self._windows.get(key)
        return window.used if window is not None and window.ends_at > self.clock() else 0

    async def get_expiry(self, key: str) -> float:
        window = self._windows.get(key)
        return window.ends_at if window is not None else self.clock()

    async def check(self) -> bool:
        return True

    async def reset(self) -> int:
        held = len(self._windows)
        self._windows.clear()
        return held

    async def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    def __len__(self) -> int:
        return len(self._windows)

    def _window(self, key: str) -> Window:
        window = self._windows.get(key)
        if window is None:
            self._make_room()
            window = self._windows[key] = Window()
        self._windows.move_to_end(key)
        return window

    def _make_room(self) -> None:
        """Forget the two oldest keys if their windows ended, so that memory shrinks; at the bound, even if not."""
        for _ in range(2):
            oldest = next(iter(self._windows.values()), None)
            if oldest is None or (oldest.ends_at > self.clock() and len(self._windows) < self._most_keys):
                return
            self._windows.popitem(last=False)
