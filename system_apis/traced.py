"""A span for each try that leaves, where the work in hand is recorded; nothing at all where it is not.

OpenTelemetry's own instrumentation of httpx makes the span and hands its place in the trace on. It costs 60 µs also for
a call that nobody records, which is a tenth of a promise: so it is asked only for those that are (record 11).
"""

from __future__ import annotations

from typing import Any

import httpx
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import AsyncOpenTelemetryTransport, RequestInfo
from opentelemetry.trace import Span, TracerProvider

ADDRESSES = ("http.url", "url.full")
"""What an address is called in a span: in the older and in the newer words of OpenTelemetry."""


class Traced(httpx.AsyncBaseTransport):
    """`provider` makes the spans; without one, that of the process."""

    def __init__(self, engine: httpx.AsyncBaseTransport, provider: TracerProvider | None = None) -> None:
        self.engine = engine
        self._recording = AsyncOpenTelemetryTransport(engine, provider, request_hook=_say_no_query)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if trace.get_current_span().is_recording():
            return await self._recording.handle_async_request(request)
        return await self.engine.handle_async_request(request)

    async def aclose(self) -> None:
        await self.engine.aclose()


async def _say_no_query(span: Span, _asked: RequestInfo) -> None:
    """Queries name customers and their purchase orders; a collector need not know them."""
    said: Any = getattr(span, "attributes", None) or {}
    for name in ADDRESSES:
        if name in said:
            span.set_attribute(name, str(said[name]).partition("?")[0])
