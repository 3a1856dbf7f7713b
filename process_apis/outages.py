"""An attempt at a step: what came of it, what stands in its way, and how it is repeated until it is over."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

from msgspec import Struct

from process_apis.durable import Durable
from process_apis.errors import NoSourceAnswered
from process_apis.operations import WaitingFor
from system_apis.deadline import Deadline
from system_apis.errors import SystemRefused, SystemUnavailable, UpstreamError

T = TypeVar("T")

STEP_S = 30.0
"""How long one attempt at a step may take; waiting for a neighbour happens between attempts."""
FIRST_PAUSE_S = 0.5
LONGEST_REST_S = 900.0
"""In a maintenance window the clock is looked at this often: a window may be shortened."""
SPREAD_S = 0.5
"""Not all that wait for the end of a window go on in the same moment."""
_MOST_DOUBLINGS = 10


class Done(Struct, Generic[T], frozen=True, tag="done"):
    value: T


class Wait(Struct, frozen=True, tag="wait"):
    """The neighbour did not do it; ask again after a pause."""

    delay_s: float


class Refused(Struct, frozen=True, tag="refused"):
    """The neighbour understood and said no; `code` and `text` are its own."""

    instance: str
    code: str
    text: str
    system: str = "erp"


class NotYet(Exception):
    """A step cannot go on now, though no neighbour failed; it is tried again after `delay_s`.

    None: after a pause that grows, as after a failure.
    """

    def __init__(self, instance: str, reason: str, delay_s: float | None = None, *, system: str | None = None) -> None:
        super().__init__(reason)
        self.system = system
        self.instance = instance
        self.delay_s = delay_s


class Obstacle(Struct, frozen=True):
    """Why a step cannot go on now, whom it waits for, and for how long. `system`: None if that is the step's own."""

    system: str | None
    instance: str
    reason: str
    delay_s: float
    rests_s: float | None = None
    """It is in a maintenance window that ends so much later; None if it is simply not there."""

    def waited_for(self, otherwise: str, at: datetime, since: datetime) -> WaitingFor:
        """How it is shown. `otherwise` is the system of the step, `at` is now."""
        system = self.system or otherwise
        if self.rests_s is None:
            return WaitingFor(system, self.instance, since)
        ends_at = at + timedelta(seconds=self.rests_s)
        return WaitingFor(system, self.instance, since, reason="maintenance", ends_at=ends_at)


def step_deadline() -> Deadline:
    return Deadline.after(STEP_S)


async def until_over(
    durable: Durable, name: str, attempt: Callable[[int], Awaitable[Done[Any] | Wait | Refused]], shape: Any
) -> Done[Any] | Refused:
    """Attempt a step (the first time, the second …) through any number of outages and restarts, until it does not ask
    to wait any more. `attempt` must be harmless when it runs twice; `shape` is the type of what it gets done."""
    attempts = 1
    while True:
        outcome: Any = await durable.step(name, partial(attempt, attempts), Done[shape] | Wait | Refused)
        if not isinstance(outcome, Wait):
            return outcome  # type: ignore[no-any-return]
        await durable.sleep(outcome.delay_s)
        attempts += 1


def obstacle(
    trouble: UpstreamError | NoSourceAnswered | NotYet, attempts: int, longest_pause_s: float
) -> Obstacle | Refused:
    """What stands in the way after so many attempts: something that passes, or a no. Whatever a neighbour wishes, it
    is asked again after the longest pause at the latest."""
    growing_s = _pause_s(attempts, longest_pause_s)
    if isinstance(trouble, SystemRefused) and trouble.final:
        return Refused(trouble.instance, trouble.code, trouble.message, trouble.kind)
    if isinstance(trouble, NotYet):
        delay_s = growing_s if trouble.delay_s is None else trouble.delay_s
        return Obstacle(trouble.system, trouble.instance, str(trouble), delay_s)
    if isinstance(trouble, NoSourceAnswered):
        return Obstacle("source", ", ".join(trouble.systems), str(trouble), growing_s)
    wished = trouble.retry_after_s if isinstance(trouble, SystemUnavailable) else None
    if wished is not None and isinstance(trouble, SystemUnavailable) and trouble.held_by == "maintenance":
        rest_s = min(wished, LONGEST_REST_S) + random.uniform(0, SPREAD_S)  # noqa: S311  no secret hangs on it
        return Obstacle(trouble.kind, trouble.instance, str(trouble), rest_s, wished)
    pause_s = max(growing_s, min(wished or 0.0, longest_pause_s))
    return Obstacle(trouble.kind, trouble.instance, str(trouble), pause_s)


def _pause_s(attempts: int, longest_s: float) -> float:
    """Longer with each attempt."""
    return min(longest_s, FIRST_PAUSE_S * float(2 ** min(attempts - 1, _MOST_DOUBLINGS)))
