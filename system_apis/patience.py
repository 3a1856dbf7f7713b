"""How often a question is asked again, and how long is waited before it.

Full jitter (a random pause between nothing and an exponential ceiling) keeps many callers from coming back in step.
The allowance keeps a dead neighbour from receiving several times the traffic it died of: all callers of an instance
together may repeat one call in five, and a few where there are few calls.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from system_apis.tally import Tally

MOST_RETRIES = 2
"""Of one call."""
FIRST_CEILING_S = 0.1
LAST_CEILING_S = 2.0
SHARE_OF_CALLS = 0.2
LEAST_ALLOWANCE = 3
WINDOW_S = 10.0
LONGEST_WISH_S = 86_400.0
"""Of a Retry-After: a longer one would run over the calendar of who adds it to now."""


class Patience:
    """The retry allowance of one instance, over the last ten seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._tally = Tally(WINDOW_S, clock)

    def called(self) -> None:
        """Somebody asks something for the first time."""
        self._tally.add(calls=1)

    def pause_s(self, retries_so_far: int, asked_for_s: float | None, left_s: float) -> float | None:
        """How long to wait before the next try; None if there is none, for it is spent or would come too late.

        A neighbour's own wish is the least pause.
        """
        if retries_so_far >= MOST_RETRIES or not self._allowed():
            return None
        ceiling = min(LAST_CEILING_S, FIRST_CEILING_S * 2**retries_so_far)
        pause = (asked_for_s or 0.0) + random.uniform(0, ceiling)  # noqa: S311 - jitter guards no secret
        if pause >= left_s:
            return None
        self._tally.add(marked=1)
        return pause

    def _allowed(self) -> bool:
        self._tally.forget()
        return self._tally.marked < max(LEAST_ALLOWANCE, SHARE_OF_CALLS * self._tally.calls)


def retry_after_s(value: str | None) -> float | None:
    """Retry-After as seconds from now (RFC 9110 §10.2.3: delay or HTTP date); None if absent or unreadable."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(float(value), LONGEST_WISH_S)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), LONGEST_WISH_S)
