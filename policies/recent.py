"""A memory that cannot grow: so many keys, the least recently used forgotten first, ended ones all the time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Ending(Protocol):
    """Something that nobody needs after `ends_at`, in seconds of the memory's clock."""

    ends_at: float


V = TypeVar("V", bound=Ending)

NEW_S = 1.0
"""How long a new one is kept whatever it says: whoever asked for it is about to write into it."""


class Recent(Generic[V]):
    """`make` makes what a key holds that is not there; `clock` is monotonic seconds."""

    def __init__(self, make: Callable[[], V], clock: Callable[[], float], most_keys: int) -> None:
        self._make = make
        self._clock = clock
        self._most_keys = most_keys
        self._held: OrderedDict[str, V] = OrderedDict()

    def get(self, key: str) -> V:
        held = self._held.get(key)
        if held is None:
            self._make_room()
            held = self._held[key] = self._make()
            held.ends_at = self._clock() + NEW_S
        self._held.move_to_end(key)
        return held

    def find(self, key: str) -> V | None:
        return self._held.get(key)

    def __len__(self) -> int:
        return len(self._held)

    def _make_room(self) -> None:
        """Forget the two oldest keys if they ended, so that memory shrinks; at the bound, even if not."""
        for _ in range(2):
            oldest = next(iter(self._held.values()), None)
            if oldest is None or (oldest.ends_at > self._clock() and len(self._held) < self._most_keys):
                return
            self._held.popitem(last=False)
