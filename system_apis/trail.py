"""The correlation id of the work in hand: set once at the edge or by a worker, sent on to every neighbour."""

from __future__ import annotations

from contextvars import ContextVar

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
