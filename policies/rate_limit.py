"""How often: each client has a quota per window, and a call costs what it weighs.

The strategy is the moving window. The sliding-window counter would be cheaper on a shared store, but it only estimates:
a weighted call is let through or refused by an average, and its reset says when *something* gets free, not when the
call fits. Here a client may rely on both.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil

from limits import RateLimitItem, parse_many
from limits.aio.strategies import MovingWindowRateLimiter

from policies.clients import Client
from policies.errors import LimitSpent, WeightAboveLimit
from policies.limit_fields import Standing, limit_fields
from policies.windows import MemoryWindows


@lru_cache(maxsize=1024)
def read_limit(notation: str) -> tuple[tuple[str, RateLimitItem], ...]:
    """The named policies of `"600 per 1 minute"` or of several, `"20 per second; 600 per minute"`.

    The first is called `default`, a further one after its window in seconds. Raises ValueError on anything else.
    """
    rates = parse_many(notation)
    names = ["default", *(f"per-{rate.get_expiry()}-s" for rate in rates[1:])]
    return tuple(zip(names, rates, strict=True))


class RateLimits:
    """The quotas of all clients in one process."""

    def __init__(self, windows: MemoryWindows | None = None) -> None:
        self._windows = MemoryWindows() if windows is None else windows
        self._strategy = MovingWindowRateLimiter(self._windows)

    async def fields(self, client: Client) -> dict[str, str]:
        """The RateLimit fields as they stand, nothing charged."""
        return limit_fields([await self._standing(client, name, rate) for name, rate in read_limit(client.limit)])

    async def charge(self, client: Client, weight: int) -> dict[str, str]:
        """Take `weight` units from every window of the client, or from none. Returns the fields for the answer."""
        policies = read_limit(client.limit)
        for _, rate in policies:
            if weight > rate.amount:
                raise WeightAboveLimit(weight, rate.amount)
        spent = [
            (name, rate)
            for name, rate in policies
            if not await self._strategy.test(rate, client.client_id, name, cost=weight)
        ]
        if spent:
            raise await self._refusal(client, weight, spent)
        for name, rate in policies:
            await self._strategy.hit(rate, client.client_id, name, cost=weight)
        return await self.fields(client)

    async def _refusal(self, client: Client, weight: int, spent: list[tuple[str, RateLimitItem]]) -> LimitSpent:
        waits = [
            self._windows.seconds_until_room(
                rate.key_for(client.client_id, name), rate.amount, rate.get_expiry(), weight
            )
            for name, rate in spent
        ]
        fields = await self.fields(client)
        return LimitSpent(tuple(name for name, _ in spent), max(1, ceil(max(waits))), tuple(fields.items()))

    async def _standing(self, client: Client, name: str, rate: RateLimitItem) -> Standing:
        reset_at, remaining = await self._strategy.get_window_stats(rate, client.client_id, name)
        reset_s = 0.0 if remaining >= rate.amount else reset_at - self._windows.clock()
        return Standing(name, rate.amount, rate.get_expiry(), remaining, reset_s)
