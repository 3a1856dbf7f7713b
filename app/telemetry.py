"""What this process tells of itself: JSON lines on stderr, and spans where a collector is named."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pythonjsonlogger.json import JsonFormatter

from app.settings import Settings
from app.shell.trace import current
from system_apis.trail import correlation_id

REDACTED = "[redacted]"
_SECRETS = (
    (("bearer", "basic"), re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9\-._~+/]{8,}=*")),
    (
        ("password", "secret", "api", "token", "authorization", "cookie"),
        re.compile(
            r"(?i)((?:password|secret|api[_-]?key|token|authorization|cookie)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&}]+"
        ),
    ),
    (("eyj",), re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")),
    (("://",), re.compile(r"(://[^/\s:@]+:)[^@\s/]+(?=@)")),
)
"""What a credential looks like, behind the words of which a line that holds one has at least one. Nearly no line has
any, and looking for them all takes a tenth of the time that the patterns take."""
_LOUD = {"httpx": "WARNING", "httpcore": "WARNING", "uvicorn": "WARNING", "aiosqlite": "WARNING", "alembic": "WARNING"}


class Lines(JsonFormatter):
    """A record as one JSON object with the ids of the call it belongs to, and without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        record.correlation_id = correlation_id.get() or None
        if (trail := current.get()) is not None:
            record.trace_id = trail.trace_id
        return redacted(super().format(record))


def redacted(line: str) -> str:
    """The line without credentials: a last net, nobody is meant to log one."""
    folded = line.casefold()
    for words, secret in _SECRETS:
        if any(word in folded for word in words):
            line = secret.sub(lambda found: (found[1] if found.lastindex else "") + REDACTED, line)
    return line


def start_logging(level: str) -> None:
    """Everything through one handler, as JSON lines on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        Lines(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "at", "levelname": "level", "name": "logger"},
            datefmt="%Y-%m-%dT%H:%M:%S%z",
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, at_least in _LOUD.items():
        logging.getLogger(name).setLevel(max(logging.getLevelName(at_least), root.level))


@contextmanager
def tracing(settings: Settings) -> Iterator[trace.Tracer | None]:
    """A tracer while the block runs, None without a collector. Trace context travels on in either case."""
    propagate.set_global_textmap(TraceContextTextMapPropagator())  # no baggage: it would reach third parties
    if settings.otlp_endpoint is None:
        yield None
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  Protobuf, too

    provider = TracerProvider(
        resource=Resource.create({"service.name": "ordergate", "deployment.environment.name": settings.environment}),
        sampler=sampler(settings.trace_ratio),
    )
    exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)  # for the calls to neighbours: system_apis.traced
    try:
        yield provider.get_tracer("ordergate")
    finally:
        provider.shutdown()


def sampler(ratio: float) -> Sampler:
    """Ours to decide: a caller's sampled flag must not make us record, or it could make us busy (W3C §4.3.1)."""
    share = TraceIdRatioBased(ratio)
    return ParentBased(root=share, remote_parent_sampled=share, remote_parent_not_sampled=share)
