"""What is remembered of the questions that went out: for metrics, and for the next question of the same kind."""

from __future__ import annotations

from dataclasses import dataclass, field

from system_apis.breaker import Breaker, State
from system_apis.pace import Pace


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and what came of it, for metrics.

    `outcome` is `answered`, `cancelled`, a failure's name, or `breakerOpen` or `bulkheadFull` for a question that this
    process kept to itself. `breaker` is its state afterwards, `in_use` and `waiting` how many calls to the instance
    are under way and wait for a place.
    """

    system: str
    instance: str
    operation: str
    method: str
    outcome: str
    status: int | None
    seconds: float
    attempt: int = 1
    breaker: State = "closed"
    in_use: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Lane:
    """What an instance has shown of one operation."""

    breaker: Breaker = field(default_factory=Breaker)
    pace: Pace = field(default_factory=Pace)
