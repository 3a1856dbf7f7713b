"""A call in its trace: recorded where tracing is on, passed on in either case."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.propagate import inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.shell.asgi import Message, Receive, Scope, Send, answer
from app.shell.trace import Tracing, trail_of
from app.telemetry import sampler
from system_apis.trail import correlation_id

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
SCOPE = {"type": "http", "method": "GET", "path": "/v1/x/1", "query_string": b""}


async def called(tracer: trace.Tracer | None, headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """What a neighbour would be sent, and what the caller gets back."""
    sent: dict[str, str] = {}

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        trail_of(scope).route = "/v1/x/{id}"
        inject(sent)
        sent["correlation"] = correlation_id.get()
        await answer(send, 404, {}, b"")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.update({str(name, "latin-1"): str(value, "latin-1") for name, value in message.get("headers", ())})

    await Tracing(app, tracer)({**SCOPE, "headers": headers}, receive, send)
    return sent


async def test_a_call_is_a_span_of_the_callers_trace() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler(1.0))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    sent = await called(provider.get_tracer("t"), [(b"traceparent", PARENT.encode())])
    provider.shutdown()
    (span,) = kept.get_finished_spans()
    assert (span.name, span.attributes["http.response.status_code"]) == ("GET /v1/x/{id}", 404)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert sent["traceparent"].split("-")[1:3] == [f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"]


async def test_without_a_collector_the_trace_goes_on_under_our_own_span() -> None:
    sent = await called(None, [(b"traceparent", PARENT.encode()), (b"tracestate", b"vendor=1")])
    _, trace_id, parent_id, flags = sent["traceparent"].split("-")
    assert (trace_id, flags, sent["tracestate"]) == ("0af7651916cd43dd8448eb211c80319c", "00", "vendor=1")
    assert parent_id != "b7ad6b7169203331"


@pytest.mark.parametrize("broken", ["", PARENT.upper(), "00-" + "0" * 32 + "-b7ad6b7169203331-01", "ff" + PARENT[2:]])
async def test_a_broken_parent_starts_a_new_trace_without_its_state(broken: str) -> None:
    sent = await called(None, [(b"traceparent", broken.encode()), (b"tracestate", b"vendor=1")])
    assert sent["traceparent"].split("-")[1] not in ("0af7651916cd43dd8448eb211c80319c", "0" * 32)
    assert "tracestate" not in sent


async def test_nothing_of_a_call_is_left_behind() -> None:
    sent = await called(None, [(b"x-correlation-id", b"c-1")])
    assert (sent["correlation"], sent["x-correlation-id"], correlation_id.get()) == ("c-1", "c-1", "")
    assert not trace.get_current_span().get_span_context().is_valid
