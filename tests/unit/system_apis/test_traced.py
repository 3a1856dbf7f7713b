"""What a recorded call tells of the neighbours that it asked, and what one that is not recorded costs."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Tracer

from app.telemetry import sampler
from system_apis import trail
from system_apis.traced import Traced

ADDRESS = "https://sap.example/A_SalesOrder?$filter=PurchaseOrderByCustomer eq 'PO-4711'"


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(kept: InMemorySpanExporter) -> Iterator[TracerProvider]:
    provider = TracerProvider(sampler=sampler(1.0))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    yield provider
    provider.shutdown()


@pytest.fixture
def tracer(provider: TracerProvider) -> Tracer:
    return provider.get_tracer("t")


def asked(answer: httpx.Response | Exception, provider: TracerProvider) -> tuple[list[httpx.Request], Traced]:
    heard: list[httpx.Request] = []

    async def neighbour(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return heard, Traced(httpx.MockTransport(neighbour), provider)


def a_request() -> httpx.Request:
    return httpx.Request("GET", ADDRESS, headers=trail.headers())


def place_in_the_trace(request: httpx.Request) -> tuple[int, int, bool]:
    """Trace, parent, and whether it is sampled; the other flags are nobody's business here."""
    (said,) = request.headers.get_list("traceparent")
    _, trace_id, parent_id, flags = said.split("-")
    return int(trace_id, 16), int(parent_id, 16), bool(int(flags, 16) & 1)


async def test_a_recorded_call_has_a_span_for_each_question_and_the_neighbour_is_told_of_it(
    kept: InMemorySpanExporter, provider: TracerProvider, tracer: Tracer
) -> None:
    heard, traced = asked(httpx.Response(404), provider)
    with tracer.start_as_current_span("call"):
        await traced.handle_async_request(a_request())
    question, call = kept.get_finished_spans()
    assert question.parent is not None
    assert question.parent.span_id == call.context.span_id
    assert question.kind is SpanKind.CLIENT
    assert question.attributes is not None
    assert question.attributes["http.status_code"] == 404
    assert place_in_the_trace(heard[0]) == (call.context.trace_id, question.context.span_id, True)
    assert heard[0].headers["x-correlation-id"]


async def test_a_span_says_whom_it_asked_and_not_for_which_order(
    kept: InMemorySpanExporter, provider: TracerProvider, tracer: Tracer
) -> None:
    _, traced = asked(httpx.Response(200), provider)
    with tracer.start_as_current_span("call"):
        await traced.handle_async_request(a_request())
    question = kept.get_finished_spans()[0]
    assert "https://sap.example/A_SalesOrder" in dict(question.attributes or {}).values()
    assert "PO-4711" not in str(question.to_json())


async def test_an_error_comes_out_as_it_was(provider: TracerProvider, tracer: Tracer) -> None:
    refused = httpx.ConnectError("refused")
    _, traced = asked(refused, provider)
    with tracer.start_as_current_span("call"), pytest.raises(httpx.ConnectError) as seen:
        await traced.handle_async_request(a_request())
    assert seen.value is refused


async def test_what_is_not_recorded_has_no_span_and_goes_on_under_ours(kept: InMemorySpanExporter) -> None:
    nobody = TracerProvider(sampler=sampler(0.0))
    heard, traced = asked(httpx.Response(200), nobody)
    with nobody.get_tracer("t").start_as_current_span("call") as call:
        await traced.handle_async_request(a_request())
    nobody.shutdown()
    assert kept.get_finished_spans() == ()
    context = call.get_span_context()
    assert place_in_the_trace(heard[0]) == (context.trace_id, context.span_id, False)
