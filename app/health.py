"""Is it alive, is it ready, how is it doing: the three questions that machines ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from sqlalchemy.exc import SQLAlchemyError

from app.limit_meters import LimitMeters
from policies.errors import CountersUnavailable, IssuerUnavailable
from system_apis.deadline import Deadline
from system_apis.errors import UpstreamError
from system_apis.http import Exchange
from system_apis.salesforce.rest import Allowance

PING_S = 1.0
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

Ping = Callable[[Deadline], Awaitable[object]]


class NeighbourState(Struct, frozen=True):
    """`up`, or `down` and why in one word: the name of the failure. `notAsked` where the answer changes nothing."""

    state: Literal["up", "down", "notAsked"]
    reason: str | None = None


class Readiness(Struct, frozen=True):
    """`ready` with everything up, `degraded` with something down, `notReady` on the way out.

    Without the store promises go on: a gateway that is taken out of rotation for its sake makes none. Only a worker,
    which makes none anyway, is `notReady` then. `counters` is null where limits are counted without Redis.
    """

    status: Literal["ready", "degraded", "notReady"]
    store: NeighbourState
    counters: NeighbourState | None
    neighbours: dict[str, NeighbourState]


@dataclass(slots=True)
class Health:
    """What is asked for readiness. A neighbour that is down makes it `degraded`, never unready: the gateway answers
    with what it has, and taking it out of rotation would take the rest down too."""

    neighbours: Mapping[str, Ping]
    store: Ping
    counters: Ping | None = None
    makes_promises: bool = True
    draining: bool = False

    async def readiness(self) -> Readiness:
        """All asked side by side, none for longer than a second.

        On the way out nobody is asked: whoever looks has to look away soon, also where a slow neighbour would hold the
        answer up.
        """
        if self.draining:
            return Readiness("notReady", NeighbourState("notAsked"), None, {})
        deadline = Deadline.after(PING_S)
        pings = [self.store, *self.neighbours.values(), *([self.counters] if self.counters else [])]
        store, *states = await asyncio.gather(*(_state_of(ping, deadline) for ping in pings))
        counters = states.pop() if self.counters else None
        neighbours = dict(zip(self.neighbours, states, strict=True))
        if store.state == "down" and not self.makes_promises:
            return Readiness("notReady", store, counters, neighbours)
        everything_up = all(each.state == "up" for each in (store, counters, *states) if each is not None)
        return Readiness("ready" if everything_up else "degraded", store, counters, neighbours)


async def _state_of(ping: Ping, deadline: Deadline) -> NeighbourState:
    try:
        async with asyncio.timeout(deadline.remaining_s):
            await ping(deadline)
    except (UpstreamError, IssuerUnavailable, CountersUnavailable, SQLAlchemyError, TimeoutError, OSError) as failure:
        return NeighbourState("down", type(failure).__name__)
    return NeighbourState("up")


BREAKER_STATES = {"closed": 0, "halfOpen": 1, "open": 2}


class Meters:
    """The counters of this process, on a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = Histogram(
            "ordergate_call_seconds",
            "Calls by method, route template and status.",
            ("method", "route", "status"),
            registry=self.registry,
            buckets=BUCKETS,
        )
        self._exchanges = Histogram(
            "ordergate_upstream_seconds",
            "Questions to neighbours by what came of them.",
            ("system", "instance", "operation", "outcome"),
            registry=self.registry,
            buckets=BUCKETS,
        )
        self._breakers = Gauge(
            "ordergate_upstream_breaker",
            "Breakers as the last question left them: 0 closed, 1 half-open, 2 open.",
            ("system", "instance", "operation"),
            registry=self.registry,
        )
        self._places = Gauge(
            "ordergate_upstream_places",
            "Calls to an instance: `used` under way, `waiting` for a place in its bulkhead.",
            ("system", "instance", "kind"),
            registry=self.registry,
        )
        self._uses = Counter(
            "ordergate_route_uses_total",
            "Who still calls what: admitted calls by route and client.",
            ("route", "client"),
            registry=self.registry,
        )
        self._store_breaker = Gauge(
            "ordergate_store_breaker",
            "Whether calls reach the operation store (PostgreSQL): 0 they do, 1 only a probe once a second does.",
            registry=self.registry,
        )
        self._mismatches = Counter(
            "ordergate_status_mismatches_total",
            "Orders that were read while their systems disagreed, by kind. Counted at each reading.",
            ("kind",),
            registry=self.registry,
        )
        self._allowance = Gauge(
            "ordergate_crm_api_calls",
            "Calls of the CRM's daily allowance, as it last said: `used` by everybody, and `most`.",
            ("instance", "kind"),
            registry=self.registry,
        )

        self.limits = LimitMeters(self.registry)

    def call(self, method: str, route: str, status: int, seconds: float, client_id: str) -> None:
        self._calls.labels(method, route, str(status)).observe(seconds)
        if client_id:
            self._uses.labels(route, client_id).inc()

    def exchange(self, exchange: Exchange) -> None:
        labels = (exchange.system, exchange.instance, exchange.operation, exchange.outcome)
        self._exchanges.labels(*labels).observe(exchange.seconds)
        self._breakers.labels(*labels[:3]).set(BREAKER_STATES[exchange.breaker])
        self._places.labels(*labels[:2], "used").set(exchange.in_use)
        self._places.labels(*labels[:2], "waiting").set(exchange.waiting)

    def store_breaker(self, *, is_open: bool) -> None:
        self._store_breaker.set(int(is_open))

    def mismatch(self, kind: str) -> None:
        self._mismatches.labels(kind).inc()

    def allowance(self, said: Allowance) -> None:
        self._allowance.labels(said.instance, "used").set(said.used)
        self._allowance.labels(said.instance, "most").set(said.most)
