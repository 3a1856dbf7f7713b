"""How often a read is asked again, and how long is waited before it.

Full jitter (a random pause between nothing and an exponential ceiling) keeps many callers from coming back in step.
The purse keeps a dead neighbour from receiving several times the traffic it died of: a retry costs one coin, and
every call earns a tenth of one.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MOST_RETRIES = 2
FIRST_CEILING_S = 0.1
LAST_CEILING_S = 2.0
EARNED_PER_CALL = 0.1
PURSE_HOLDS = 10.0


class Patience:
    """The retry allowance of one instance."""

    def __init__(self) -> None:
        self._purse = PURSE_HOLDS

    def earn(self) -> None:
        self._purse = min(PURSE_HOLDS, self._purse + EARNED_PER_CALL)

    def pause_s(self, retries_so_far: int, asked_for_s: float | None) -> float | None:
        """How long to wait before the next try; None if there is none. A neighbour's own wish is the least pause."""
        if retries_so_far >= MOST_RETRIES or self._purse < 1:
            return None
        self._purse -= 1
        ceiling = min(LAST_CEILING_S, FIRST_CEILING_S * 2**retries_so_far)
        return (asked_for_s or 0.0) + random.uniform(0, ceiling)  # noqa: S311 - jitter guards no secret


def retry_after_s(value: str | None) -> float | None:
    """Retry-After as seconds from now (RFC 9110 §10.2.3: delay or HTTP date); None if absent or unreadable."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
