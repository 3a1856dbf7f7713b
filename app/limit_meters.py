"""What the limits tell of themselves at /metrics: how Redis does, and what was decided without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from policies.shared_counters import Fallback

if TYPE_CHECKING:
    from policies.redis_door import Asked

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 1)


class LimitMeters:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._asked = Histogram(
            "ordergate_redis_seconds",
            "Commands to Redis by what came of them; `refused` ones were not sent, because it failed a moment ago.",
            ("command", "outcome"),
            registry=registry,
            buckets=BUCKETS,
        )
        self._breaker = Gauge(
            "ordergate_redis_breaker",
            "Whether commands reach Redis: 0 they do, 1 only a probe once a second does.",
            registry=registry,
        )
        self._fallbacks = Counter(
            "ordergate_limit_fallbacks_total",
            "Calls whose limits were decided without Redis: `local` counted here for a share, `open` let through, "
            "`closed` turned away.",
            ("mode",),
            registry=registry,
        )

    def asked(self, asked: Asked) -> None:
        self._asked.labels(asked.command, asked.outcome).observe(asked.seconds)

    def breaker(self, *, is_open: bool) -> None:
        self._breaker.set(int(is_open))

    def fell_back(self, mode: Fallback) -> None:
        self._fallbacks.labels(mode).inc()
