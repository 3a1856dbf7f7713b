"""Getting a step of a commit done: over outages and restarts, until a system has said yes or no."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis.durable import Durable
from process_apis.errors import NoSourceAnswered
from process_apis.exceptions import Finding, SourceMessage
from process_apis.landscape import Landscape
from process_apis.operations import WaitingFor
from process_apis.order_change import rows
from process_apis.order_change.models import ChangeRequest
from process_apis.order_change.rules import Wanted
from system_apis.deadline import Deadline
from system_apis.errors import SystemRefused, SystemUnavailable, UpstreamError

STEP_S = 30.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 60.0
_MOST_DOUBLINGS = 10
log = logging.getLogger("ordergate.changes")


@dataclass(frozen=True, slots=True)
class Job:
    """A commit with all it works on; `held` is the request as it was accepted."""

    held: ChangeRequest
    store: AsyncEngine
    landscape: Landscape
    durable: Durable

    @property
    def instance(self) -> str:
        return self.held.order_id.partition(".")[0]

    @property
    def number(self) -> str:
        return self.held.order_id.partition(".")[2]


class Went(Struct, frozen=True):
    """How a step went. `moved`: the order is not what it was. `refused`: a system said no, `findings` say what."""

    outcome: Literal["done", "again", "moved", "refused"]
    findings: tuple[Finding, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    delay_s: float = 0.0


DONE = Went("done")


class NotYet(Exception):
    """No system failed, but the step has to be tried again from its beginning."""

    def __init__(self, system: str, instance: str, reason: str) -> None:
        super().__init__(reason)
        self.system = system
        self.instance = instance


async def persist(job: Job, name: str, body: Callable[[], Awaitable[Went]]) -> Went:
    """Do a step until it is done, moved or refused. What it did is remembered; in between the wait is durable."""
    attempts = 0
    while True:

        async def attempt(attempts: int = attempts) -> Went:
            return await _attempt(job, name, body, attempts)

        went: Went = await job.durable.step(name, attempt, Went)
        if went.outcome != "again":
            return went
        await job.durable.sleep(went.delay_s)
        attempts += 1


def step_deadline() -> Deadline:
    return Deadline.after(STEP_S)


async def _attempt(job: Job, name: str, body: Callable[[], Awaitable[Went]], attempts: int) -> Went:
    pause_s = _pause_s(attempts)
    try:
        went = await body()
    except SystemRefused as no:
        if not no.safe_to_repeat:
            return Went("refused", (refusal(no),))
        waiting = (_kind(no.system), no.instance, str(no))
    except UpstreamError as trouble:
        waiting = (_kind(trouble.system), trouble.instance, str(trouble))
        wished = trouble.retry_after_s if isinstance(trouble, SystemUnavailable) else None
        pause_s = max(pause_s, min(wished or 0.0, LONGEST_PAUSE_S))
    except NoSourceAnswered as silent:
        waiting = ("source", ", ".join(silent.systems), str(silent))
    except NotYet as later:
        waiting = (later.system, later.instance, str(later))
    except OperationalError as trouble:
        waiting = ("ordergate", "store", str(trouble.orig))
    else:
        if attempts:
            await _note(job, None, None)
        return went
    system, instance, reason = waiting
    log.info("change %s waits %.1f s in %s: %s", job.held.run_id, pause_s, name, reason)
    now = datetime.now(UTC)
    await _note(job, WaitingFor(system, instance, now), now + timedelta(seconds=pause_s))
    return Went("again", delay_s=pause_s)


def refusal(no: SystemRefused) -> Finding:
    """What a system said when it said no, as a finding that stops the change."""
    said = SourceMessage(no.code, no.message)
    return Finding("order-refused", no.message, _kind(no.system), no.instance, blocking=True, source=said)


def _kind(system: str) -> str:
    """The kind of system, in the words of exceptions."""
    return {"sap": "erp", "salesforce": "crm"}.get(system, system)


def _pause_s(attempts: int) -> float:
    """Longer with each attempt."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * float(2 ** min(attempts, _MOST_DOUBLINGS)))


async def _note(job: Job, waiting: WaitingFor | None, retry_at: datetime | None) -> None:
    """For who looks at the request. It is not worth stopping for."""
    try:
        async with job.store.begin() as connection:
            await rows.note_waiting(connection, job.held.change_request_id, waiting, retry_at)
    except OperationalError as trouble:
        log.warning("change %s: whom it waits for is not noted: %s", job.held.run_id, trouble.orig)
