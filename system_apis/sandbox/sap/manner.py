"""Where the two versions of OData differ around a service: the version header, and what a `$batch` may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.errors import Refused
from system_apis.sandbox.sap.wire import Answer, Request


@dataclass(frozen=True)
class Manner:
    """`loose_changes`: a change may stand outside of changesets. `stops`: nothing is done after the first error,
    unless the caller prefers `continue-on-error`. `alone`: methods that share a changeset with nothing else."""

    version: tuple[str, str]
    batch_status: int
    loose_changes: bool = False
    stops: bool = False
    alone: frozenset[str] = frozenset()
    repeats: bool = False
    """Whether it listens to `RequestID` (Gateway's idempotent services)."""


class Spoken(Protocol):
    """A service in its dialect. `page_size` is how many rows of a collection one answer holds."""

    page_size: int

    @property
    def manner(self) -> Manner: ...

    def handle(self, request: Request, changes: Changes) -> Answer:
        """Answers one request, writing into `changes`; the caller commits them. Raises Refused."""

    def explain(self, refusal: Refused, request: Request) -> Answer:
        """The answer that a refusal becomes."""
