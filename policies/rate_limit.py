"""How often and how much at once: each client has a plan, and a call costs what it weighs.

All windows and caps that a call falls under are decided together, and a refused call is charged nothing. The count is
that of moving windows: within any span of the length of a window, no more than its quota is let through.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import count
from math import ceil
from typing import Self

from policies.clients import Client
from policies.counters import Counters, Demand, Outage, Verdict
from policies.errors import LimitSpent, WeightAboveLimit
from policies.limit_fields import limit_fields
from policies.plans import Plans
from policies.windows import MemoryCounters

OF_A_REFUSAL = 1
"""What a call costs that cannot be let through whatever happens: refusing it is work too."""
PLACE_AGAIN_S = 1
"""When to come back for a place: when one gets free, nobody can tell."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that was let in and paid for: `with` it, the call is at work, and its place is given back at the end.
    `fields` belong on its answer."""

    fields: dict[str, str]
    demand: Demand
    counters: Counters

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.demand.place:
            self.counters.leave(self.demand)


class RateLimits:
    """The limits of all clients. They are the client's, whatever token or key it comes with."""

    def __init__(self, counters: Counters | None = None, plans: Plans | None = None) -> None:
        self._counters = MemoryCounters() if counters is None else counters
        self._plans = Plans() if plans is None else plans
        self._numbers = count(1)
        self._mine = os.urandom(8).hex()

    async def fields(self, client: Client, operation: str = "") -> dict[str, str]:
        """The RateLimit fields as they stand, nothing charged."""
        return _fields(await self._counters.decide(self._demand(client, operation, 0, "local")))

    async def charge(
        self, client: Client, weight: int, operation: str = "", outage: Outage = "local"
    ) -> dict[str, str]:
        """Take `weight` units from every window of the client, or from none. Returns the fields for the answer.

        For a call that ends here. One that weighs more than any window holds is charged for the refusal.
        """
        return (await self._admitted(client, operation, weight, outage, place="")).fields

    async def admit(self, client: Client, weight: int, operation: str = "", outage: Outage = "local") -> Admission:
        """Likewise, and a place for as long as the call is at work."""
        place = f"{self._mine}-{next(self._numbers)}"
        return await self._admitted(client, operation, weight, outage, place)

    async def _admitted(self, client: Client, operation: str, weight: int, outage: Outage, place: str) -> Admission:
        heaviest = self._plans.of(client).of(operation).heaviest
        if heaviest is not None and weight > heaviest:
            paid = await self._admitted(client, operation, OF_A_REFUSAL, outage, place="")
            raise WeightAboveLimit(weight, heaviest, tuple(paid.fields.items()))
        demand = self._demand(client, operation, weight, outage, place)
        try:
            verdict = await self._counters.decide(demand)
        except BaseException:
            self._counters.leave(demand)  # a caller that hangs up now may have been given a place a moment ago
            raise
        if not verdict.admitted:
            wait_s = max(PLACE_AGAIN_S, ceil(verdict.wait_s))
            raise LimitSpent(verdict.violated, wait_s, tuple(_fields(verdict).items()))
        return Admission(_fields(verdict), demand, self._counters)

    def _demand(self, client: Client, operation: str, weight: int, outage: Outage, place: str = "") -> Demand:
        allowed = self._plans.of(client).of(operation)
        return Demand(client.client_id, allowed.rates, allowed.caps, weight, place if allowed.caps else "", outage)


def _fields(verdict: Verdict) -> dict[str, str]:
    return limit_fields(verdict.standings()) if verdict.counted else {}
