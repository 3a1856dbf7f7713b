"""What a caller may try before it is known: how often at all, and how often wrongly.

Both are counted per address, and neither touches a caller that was let in a moment ago: behind a proxy or a company's
NAT many honest clients share one address. They are counted in this process, of which each replica has one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from policies.call import Call
from policies.errors import LimitSpent
from policies.origin import origin_of
from policies.tally import Tally

GENEROUS = "6000 per 1 minute"
POLICY = "failed-logins"
KNOCKS = "knocks"
KNOCKS_PER_MINUTE = "12000 per 1 minute"
KNOCKS_PER_KEY = "600 per 1 minute"
_KEY_ID = re.compile(r"\b([a-z]{2,12}_[0-9A-Z]{10,40})_")


class FailedLogins:
    """How many bad credentials an address may show. A failure is what costs us a signature check and gives nothing."""

    def __init__(self, limit: str = GENEROUS, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._tally = Tally(limit, clock=clock)

    async def refuse_if_spent(self, address: str) -> None:
        """Asked before the credential is looked at."""
        if wait_s := self._tally.spent_for_s(origin_of(address)):
            raise LimitSpent((POLICY,), wait_s, ())

    async def count(self, address: str) -> None:
        self._tally.count(origin_of(address))


class Knocks:
    """How often an address may come with credentials that nobody knows yet, good or bad, and how often with one key's
    id: whatever it takes to check them, a signature or a look into the store, is not done more often than that."""

    def __init__(
        self,
        limit: str = KNOCKS_PER_MINUTE,
        per_key: str = KNOCKS_PER_KEY,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._by_address = Tally(limit, clock=clock)
        self._by_key = Tally(per_key, clock=clock)

    def knock(self, call: Call) -> None:
        """Count the call of a stranger, or refuse it uncounted."""
        origin = origin_of(call.client_address)
        shown = _KEY_ID.search(call.headers.get("authorization", "") + " " + call.headers.get("x-api-key", ""))
        key = f"{origin} {shown[1]}" if shown else None
        wait_s = max(self._by_address.spent_for_s(origin), self._by_key.spent_for_s(key) if key else 0)
        if wait_s:
            raise LimitSpent((KNOCKS,), wait_s, ())
        self._by_address.count(origin)
        if key:
            self._by_key.count(key)
