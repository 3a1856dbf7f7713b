"""A step of a commit: over outages and restarts, until a system has said yes or no."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis.durable import Durable
from process_apis.errors import NoSourceAnswered
from process_apis.exceptions import Finding, SourceMessage
from process_apis.landscape import Landscape
from process_apis.operations import WaitingFor
from process_apis.order_change import rows
from process_apis.order_change.models import ChangeRequest
from process_apis.order_change.rules import Wanted
from process_apis.stepping import Done, Lost, NotYet, Refused, Superseded, Wait, obstacle, until_over
from system_apis.errors import UpstreamError

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

    async def before_write(self) -> None:
        """Right before a write to a neighbour: raises Superseded where another process commits by now."""
        async with self.store.connect() as connection:
            if not await rows.is_ours(connection, self.held, self.durable.executor_id):
                raise Superseded(self.held.run_id)


class Went(Struct, frozen=True):
    """How a step went. `moved`: the order is not what it was. `refused`: a system said no, `findings` say what."""

    outcome: Literal["done", "moved", "refused"]
    findings: tuple[Finding, ...] = ()
    wanted: tuple[Wanted, ...] = ()


DONE = Went("done")


async def persist(job: Job, name: str, body: Callable[[], Awaitable[Went]]) -> Went:
    """Do a step until it is done, moved or refused. What it did is remembered; in between the wait is durable.

    Raises Superseded as soon as the commit is no longer ours.
    """

    async def attempt(attempts: int) -> Done[Went] | Wait | Refused | Lost:
        try:
            went = await body()
        except Superseded:
            return Lost()
        except (UpstreamError, NoSourceAnswered, NotYet) as trouble:
            met = obstacle(trouble, attempts)
            if isinstance(met, Refused):
                return met
            log.info("change %s waits %.1f s in %s: %s", job.held.run_id, met.delay_s, name, met.reason)
            now = datetime.now(UTC)
            waiting = WaitingFor(met.system or "ordergate", met.instance, now)
            await _note(job, waiting, now + timedelta(seconds=met.delay_s))
            return Wait(met.delay_s)
        if attempts > 1:
            await _note(job, None, None)
        return Done(went)

    outcome = await until_over(job.durable, name, attempt, Went)
    if isinstance(outcome, Refused):
        said = SourceMessage(outcome.code, outcome.text)
        no = Finding("order-refused", outcome.text, outcome.system, outcome.instance, blocking=True, source=said)
        return Went("refused", (no,))
    if isinstance(outcome, Lost):
        raise Superseded(job.held.run_id)
    went: Went = outcome.value
    return went


async def _note(job: Job, waiting: WaitingFor | None, retry_at: datetime | None) -> None:
    """For who looks at the request."""
    async with job.store.begin() as connection:
        await rows.note_waiting(connection, job.held.change_request_id, waiting, retry_at)
