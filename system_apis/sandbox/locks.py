"""Whether somebody else holds the records that the request at hand wants to write; a fault says so."""

from __future__ import annotations

from contextvars import ContextVar

LOCKED: ContextVar[bool] = ContextVar("locked", default=False)
"""True while one request is handled, and for no other: every request runs in a context of its own."""
