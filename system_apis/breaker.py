"""A circuit breaker: a neighbour that fails most of what it is asked is left alone for a while.

It looks at the rate of failures, not at a row of them: one bad answer among many good ones opens nothing, and a few
good ones among the bad keep nothing closed. A neighbour that says itself when to come back (Retry-After) is believed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from enum import Enum
from typing import Literal

from system_apis.tally import Tally

WINDOW_S = 10.0
LEAST_CALLS = 10
"""Below this many calls in the window a rate says nothing."""
WORST_RATE = 0.5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
LONGEST_WISH_S = 300.0
"""A neighbour's Retry-After is kept up to here; then it is asked, by one call."""
PROBE_S = 1.0
"""What those are told who come while the probe is under way."""

State = Literal["closed", "open", "halfOpen"]


class Verdict(Enum):
    """What a call says about its neighbour's health. A call that was given up says nothing."""

    WELL = "well"
    ILL = "ill"
    NONE = "none"


class Breaker:
    """Of one operation of one instance. Ask `waiting_s`, then `enter`, and whatever happens `leave`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tally = Tally(WINDOW_S, clock)
        self._opened_until: float | None = None
        self._pause_s = FIRST_PAUSE_S
        self._probing = False

    @property
    def state(self) -> State:
        if self._opened_until is None:
            return "closed"
        return "open" if self._clock() < self._opened_until else "halfOpen"

    def waiting_s(self) -> float | None:
        """None if a call may go now, else in how many seconds it is worth coming back."""
        if self._opened_until is None:
            return None
        left_s = self._opened_until - self._clock()
        if left_s > 0:
            return left_s
        return PROBE_S if self._probing else None

    def enter(self) -> bool:
        """A call goes out; whether it is the one probe of an open breaker, to be told to `leave`."""
        if self._opened_until is None:
            return False
        self._probing = True
        return True

    def leave(self, verdict: Verdict, *, probe: bool, asked_for_s: float | None = None) -> None:
        """A call came back. `asked_for_s` is the neighbour's Retry-After."""
        if probe:
            self._probing = False
        if asked_for_s:
            self._open(min(asked_for_s, LONGEST_WISH_S))
        elif probe and verdict is not Verdict.NONE:
            self._judge(verdict)
        elif self._opened_until is None and verdict is not Verdict.NONE:
            # A call that was sent before the breaker opened and came back after it says nothing new.
            self._tally.add(calls=1, marked=verdict is Verdict.ILL)
            if self._tally.calls >= LEAST_CALLS and self._tally.marked >= WORST_RATE * self._tally.calls:
                self._open(self._next_pause_s())

    def _judge(self, verdict: Verdict) -> None:
        if verdict is Verdict.ILL:
            self._open(self._next_pause_s())
            return
        self._opened_until = None
        self._pause_s = FIRST_PAUSE_S
        self._tally.clear()

    def _open(self, seconds: float) -> None:
        self._opened_until = max(self._opened_until or 0.0, self._clock() + seconds)

    def _next_pause_s(self) -> float:
        """Twice the last one, a little off the beat, lest all processes probe together."""
        pause_s = self._pause_s * random.uniform(0.75, 1.25)  # noqa: S311 - jitter guards no secret
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)
        return pause_s
