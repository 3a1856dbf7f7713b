"""How many bad tokens one address may try before it is not listened to for a while.

Only failures count. Behind a proxy or a company's NAT many honest clients share one address: counting their successes
would make them pay for each other, while a failure is what costs us a signature check and gives nothing.
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil

from limits import parse
from limits.aio.strategies import FixedWindowRateLimiter

from policies.errors import LimitSpent
from policies.windows import MemoryWindows

GENEROUS = "6000 per 1 minute"
POLICY = "failed-logins"


class FailedLogins:
    """A counter per client address; a fixed window, because one number per address is all it may cost."""

    def __init__(self, limit: str = GENEROUS, windows: MemoryWindows | None = None) -> None:
        self._rate = parse(limit)
        self._windows = MemoryWindows() if windows is None else windows
        self._strategy = FixedWindowRateLimiter(self._windows)

    async def refuse_if_spent(self, address: str) -> None:
        """Asked before the token is looked at."""
        origin = origin_of(address)
        if not await self._strategy.test(self._rate, origin):
            reset_at, _ = await self._strategy.get_window_stats(self._rate, origin)
            raise LimitSpent((POLICY,), max(1, ceil(reset_at - self._windows.clock())), ())

    async def count(self, address: str) -> None:
        await self._strategy.hit(self._rate, origin_of(address))


def origin_of(address: str) -> str:
    """An IPv6 caller owns a whole /64 and counts as one; what is no IP address (a socket's path) stays as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed), 64), strict=False))
