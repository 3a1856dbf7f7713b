"""The trail of the work in hand, sent on to every neighbour: the caller's correlation id and its place in a trace.

Set once at the edge. A durable operation keeps both and takes up the trail again wherever it goes on.
"""

from __future__ import annotations

import secrets
import uuid
from contextvars import ContextVar

from opentelemetry import context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")

_PROPAGATOR = TraceContextTextMapPropagator()


def traceparent() -> str | None:
    """Where we are in the caller's trace (W3C Trace Context §3.2), None outside of any."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


def headers() -> dict[str, str]:
    """What every request to a neighbour carries of the trail; made up where there is none."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    if "traceparent" not in carrier:
        carrier["traceparent"] = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    carrier["X-Correlation-ID"] = correlation_id.get() or str(uuid.uuid4())
    return carrier


def take_up(correlation: str, parent: str | None) -> None:
    """From here on the task in hand belongs to this trail. To be called in a task of its own: nothing is put back."""
    correlation_id.set(correlation)
    if parent is not None:
        context.attach(_PROPAGATOR.extract({"traceparent": parent}, context.Context()))
