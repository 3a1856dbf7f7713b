"""What a log line may hold, and who decides what is traced."""

from __future__ import annotations

import json
import logging

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from app.shell.trace import Trail, current
from app.telemetry import Lines, redacted, sampler
from system_apis.trail import correlation_id

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjcm0ifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("Authorization: Bearer abcdefghijkl", "abcdefghijkl"),
        ("sent Basic U0FOREJPWDpXZWxjb21lMQ==", "U0FOREJPWDpXZWxjb21lMQ=="),
        (f"the token {JWT} is odd", JWT),
        ('{"client_secret": "hunter2"}', "hunter2"),
        ("X-API-Key=hunter2&x=1", "hunter2"),
        ("postgresql+psycopg://user:hunter2@db/x", "hunter2"),
        ("password = 'hunter2'", "hunter2"),
        ("bEARER abcdefghijkl", "abcdefghijkl"),
        ("BASIC U0FOREJPWDpXZWxjb21lMQ==", "U0FOREJPWDpXZWxjb21lMQ=="),
        ("COOKIE: hunter2", "hunter2"),
        ("PassWord: hunter2", "hunter2"),
        ("apiKEY: hunter2", "hunter2"),
        ("authorization=hunter2", "hunter2"),
        (f"got {JWT}", JWT),
    ],
)
def test_a_secret_does_not_reach_the_log(said: str, hidden: str) -> None:
    assert hidden in said
    assert hidden not in redacted(said)


def test_a_line_without_secrets_stays_as_it_is() -> None:
    line = '{"message": "call", "path": "/v1/quotes/0Q0Hp0000001001KAA", "status": 200}'
    assert redacted(line) == line


def test_a_line_carries_the_ids_of_its_call() -> None:
    marks = current.set(Trail(trace_id="t" * 32)), correlation_id.set("c-1")
    record = logging.LogRecord("ordergate.x", logging.INFO, __file__, 1, "said %s", ("so",), None)
    said = json.loads(Lines("%(message)s").format(record))
    current.reset(marks[0])
    correlation_id.reset(marks[1])
    assert said == {"message": "said so", "correlation_id": "c-1", "trace_id": "t" * 32}


@pytest.mark.parametrize(("ratio", "decision"), [(0.0, Decision.DROP), (1.0, Decision.RECORD_AND_SAMPLE)])
@pytest.mark.parametrize("flags", [TraceFlags.DEFAULT, TraceFlags.SAMPLED])
def test_a_caller_does_not_decide_what_is_traced(ratio: float, decision: Decision, flags: int) -> None:
    parent = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(flags))
    above = trace.set_span_in_context(NonRecordingSpan(parent), context.Context())
    assert sampler(ratio).should_sample(above, 7, "GET").decision is decision
