"""Who is this call? A request id of ours, the correlation id of the caller, the trace it belongs to (W3C).

The ids are put where everybody looks: in the scope for the edge, in context variables for logs and neighbours.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.shell.asgi import Asgi, Message, Receive, Scope, Send, header
from policies.call import Call
from policies.credential import Credential
from system_apis.trail import correlation_id

LONGEST_CORRELATION_ID = 128
_KEY = "ordergate.trail"
_PROPAGATOR = TraceContextTextMapPropagator()

current: ContextVar[Trail | None] = ContextVar("trail", default=None)


@dataclass(slots=True)
class Trail:
    """The ids of one call, and what the access log will say about it: the `route` (template), the client.

    `call` is what the policies saw, once a route was found: its `answer_headers` belong on the answer even if it
    becomes a problem, and what the policies `learned` explains one.
    """

    request_id: str = field(default_factory=lambda: f"urn:uuid:{uuid.uuid4()}")
    correlation_id: str = ""
    trace_id: str = ""
    route: str = ""
    call: Call | None = None

    @property
    def credential(self) -> Credential | None:
        """What the caller proved itself with, once it has."""
        return self.call.learned.get("credential") if self.call else None

    @property
    def client_id(self) -> str:
        return self.credential.client.client_id if self.credential else ""

    @property
    def answer_headers(self) -> Mapping[str, str]:
        return self.call.answer_headers if self.call else {}


def trail_of(scope: Scope) -> Trail:
    """The trail of the call; a fresh one where no shell stands around (there always is one in a door)."""
    trail = scope.get(_KEY)
    return trail if isinstance(trail, Trail) else Trail()


class Tracing:
    """Gives each call its ids, echoes the correlation id, and lets a span run where tracing is on.

    Without a tracer provider no span is recorded, yet neighbours still get a traceparent of ours (W3C trace context:
    the caller's trace id, another parent id).
    """

    def __init__(self, app: Asgi, tracer: trace.Tracer | None) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trail = Trail(correlation_id=_correlation_id(header(scope, b"x-correlation-id")))
        scope[_KEY] = trail
        span = self._span(scope)
        trail.trace_id = f"{span.get_span_context().trace_id:032x}"
        echoed = [
            (b"x-correlation-id", trail.correlation_id.encode("latin-1")),
            (b"x-request-id", trail.request_id.encode("latin-1")),
        ]

        async def send_with_ids(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *echoed]
                span.set_attribute("http.response.status_code", message["status"])
            await send(message)

        held = context.attach(trace.set_span_in_context(span))
        marks = current.set(trail), correlation_id.set(trail.correlation_id)
        try:
            await self._app(scope, receive, send_with_ids)
        finally:
            current.reset(marks[0])
            correlation_id.reset(marks[1])
            context.detach(held)
            if trail.route:
                span.update_name(f"{scope['method']} {trail.route}")
            span.end()

    def _span(self, scope: Scope) -> trace.Span:
        carrier = {name: given for name in ("traceparent", "tracestate") if (given := header(scope, name.encode()))}
        parent = _PROPAGATOR.extract(carrier, context.Context())
        if self._tracer is not None:
            attributes = {"http.request.method": scope["method"], "url.path": scope["path"]}
            return self._tracer.start_span(scope["method"], parent, SpanKind.SERVER, attributes)
        return NonRecordingSpan(_hop(trace.get_current_span(parent).get_span_context()))


def _hop(parent: SpanContext) -> SpanContext:
    """Our own place in the caller's trace, or the start of a new one; never sampled, since nothing is recorded."""
    return SpanContext(
        trace_id=parent.trace_id if parent.is_valid else int.from_bytes(os.urandom(16), "big") | 1,
        span_id=int.from_bytes(os.urandom(8), "big") | 1,
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.DEFAULT),
        trace_state=parent.trace_state if parent.is_valid else TraceState(),
    )


def _correlation_id(given: str) -> str:
    """The caller's, if it is one: up to 128 printable ASCII characters. Otherwise one of ours."""
    if 0 < len(given) <= LONGEST_CORRELATION_ID and given.isascii() and given.isprintable():
        return given
    return str(uuid.uuid4())
