"""What was noticed about each instance since this process began: its last answer, its last failure, its drift."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from process_apis.systems.models import DriftState, LastError
from system_apis.breaker import State
from system_apis.http import Exchange

ANSWERED = "answered"
NOT_ITS_FAULT = frozenset({"cancelled", "breakerOpen", "bulkheadFull"})
"""Outcomes of an exchange that say nothing new of the neighbour: the caller gave up, or we did not ask."""


class Watch:
    """Fed by every exchange with a neighbour; read by operators."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.last_answers: dict[str, datetime] = {}
        self.last_errors: dict[str, LastError] = {}
        self.breakers: dict[str, dict[str, State]] = {}
        self.drifts: dict[str, DriftState] = {}

    def exchanged(self, exchange: Exchange) -> None:
        """Cheap, and never in the way: this runs inside every call to every neighbour."""
        if exchange.outcome == ANSWERED:
            self.last_answers[exchange.instance] = self.now()
        elif exchange.outcome not in NOT_ITS_FAULT:
            self.last_errors[exchange.instance] = LastError(exchange.operation, exchange.outcome, self.now())
        breakers = self.breakers.setdefault(exchange.instance, {})
        if exchange.breaker != "closed":
            breakers[exchange.operation] = exchange.breaker
        else:
            breakers.pop(exchange.operation, None)
