"""What limits are counted with: the words that both stores speak, the memory of one process and Redis for all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol

from policies.limit_fields import Standing

RESOLUTION = 60
"""Into how many parts a window is cut at most. Charges less than a part apart are kept as one, which leaves the window
with its last: never too early, at most window / RESOLUTION too late. So a key holds at most RESOLUTION + 2 entries,
and where calls are further apart than a part (a second, for a minute), the count is exact."""

LEASE_S = 60.0
"""How long a place is held by a process that died. Longer than any call: those end within their deadline."""

Outage = Literal["open", "closed", "local"]
"""What a route does when the shared counters do not answer: let all through, let nobody, or count here, for a share."""


class Rate(NamedTuple):
    """At most `quota` units within any `window_s` seconds."""

    name: str
    quota: int
    window_s: int


class Cap(NamedTuple):
    """At most `most` calls at the same time."""

    name: str
    most: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What one call asks of the counters of `subject`, all of it or nothing: `weight` units of every rate, and a
    `place` under every cap, under a name that is its alone. A weight of 0 without a place only looks."""

    subject: str
    rates: tuple[Rate, ...]
    caps: tuple[Cap, ...] = ()
    weight: int = 0
    place: str = ""
    outage: Outage = "local"


class Window(NamedTuple):
    """How one rate stands after the decision. `wait_s`: until the weight fits, 0 if it does; `reset_s`: until the
    oldest charge leaves, 0 if there is none."""

    used: int
    reset_s: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """All or nothing: `admitted` charged every window and took every place, otherwise none was touched.

    `taken` are the places in use, in the order of the caps. `counted` is false where nobody counted (`open`).
    """

    demand: Demand
    admitted: bool
    windows: tuple[Window, ...]
    taken: tuple[int, ...] = ()
    counted: bool = True

    @property
    def violated(self) -> tuple[str, ...]:
        """The names of what stood in the way."""
        if self.admitted:
            return ()
        spent = (r.name for r, w in zip(self.demand.rates, self.windows, strict=True) if w.wait_s > 0)
        full = (c.name for c, taken in zip(self.demand.caps, self.taken, strict=True) if taken >= c.most)
        return (*spent, *full)

    @property
    def wait_s(self) -> float:
        return max((window.wait_s for window in self.windows), default=0.0)

    def standings(self) -> Iterable[Standing]:
        """For the fields of the answer."""
        for rate, window in zip(self.demand.rates, self.windows, strict=True):
            yield Standing(rate.name, rate.quota, rate.window_s, rate.quota - window.used, window.reset_s)
        for cap, taken in zip(self.demand.caps, self.taken, strict=True):
            yield Standing(cap.name, cap.most, None, cap.most - taken, None)

    def later(self, seconds: float) -> Verdict:
        """The same refusal told some time afterwards."""

        def after(window: Window) -> Window:
            return Window(window.used, max(0.0, window.reset_s - seconds), max(0.0, window.wait_s - seconds))

        return replace(self, windows=tuple(after(window) for window in self.windows))


class Counters(Protocol):
    """Where limits are counted. One demand is one decision, whoever else asks at the same time."""

    async def decide(self, demand: Demand) -> Verdict: ...

    def leave(self, demand: Demand) -> None:
        """Give the places back. Nobody waits for it; one that gets lost ends with its lease."""


def key_of(subject: str, name: str) -> str:
    """Where a counter of a subject is kept. The braces put all of one subject on one node of a Redis cluster."""
    return f"ordergate:{{{subject}}}:{name}"
