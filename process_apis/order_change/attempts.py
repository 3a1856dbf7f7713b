"""A step of a commit: over outages and restarts, until a system has said yes or no."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from process_apis import exception_rows
from process_apis.durable import Durable
from process_apis.errors import NoSourceAnswered
from process_apis.exceptions import Finding, SourceMessage
from process_apis.landscape import Landscape
from process_apis.order_change import kept, rows
from process_apis.order_change.models import ChangeRequest
from process_apis.order_change.rules import Wanted
from process_apis.order_change.telling import tell
from process_apis.outages import Done, NotYet, Obstacle, Refused, Wait, obstacle, step_deadline, until_over
from process_apis.turns import Superseded
from system_apis.deadline import Deadline
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

    @property
    def token(self) -> str:
        """Stands in the request's row for as long as this execution is the one to act."""
        return self.durable.turn().token

    async def before_write(self) -> Deadline:
        """Right before a write to a neighbour: by when it must have left, whoever is frozen after this. Raises
        Superseded where another execution commits by now."""
        deadline = step_deadline()
        async with self.store.connect() as connection:
            await self.still_ours(connection)
        return deadline

    async def still_ours(self, connection: AsyncConnection) -> None:
        """Until the end of this transaction, if it is one. Raises Superseded."""
        if not await rows.is_ours(connection, self.held, self.token):
            raise Superseded(self.held.run_id)


class Went(Struct, frozen=True):
    """How a step went. `moved`: the order is not what it was. `refused`: a system said no, `findings` say what.
    `wanted` are the items as they are to be, or as far as the ERP took them; empty: as they were to be."""

    outcome: Literal["done", "moved", "refused"]
    findings: tuple[Finding, ...] = ()
    wanted: tuple[Wanted, ...] = ()


DONE = Went("done")


async def persist(job: Job, name: str, body: Callable[[], Awaitable[Went]]) -> Went:
    """Do a step until it is done, moved or refused. What it did is remembered; in between the wait is durable.

    Raises Superseded as soon as the commit is no longer ours.
    """

    async def attempt(attempts: int) -> Done[Went] | Wait | Refused:
        if job.held.run > 1 and (before := await _kept(job, name)) is not None:
            return Done(before)
        try:
            went = await body()
        except (UpstreamError, NoSourceAnswered, NotYet) as trouble:
            met = obstacle(trouble, attempts, job.durable.longest_pause_s)
            if isinstance(met, Refused):
                await _end(job, name, _refused(met))
                return met
            log.info("change %s waits %.1f s in %s: %s", job.held.run_id, met.delay_s, name, met.reason)
            now = datetime.now(UTC)
            await _wait(job, name, met, now)
            return Wait(met.delay_s)
        await _end(job, name, went)
        return Done(went)

    outcome = await until_over(job.durable, name, attempt, Went)
    if isinstance(outcome, Refused):
        return _refused(outcome)
    went: Went = outcome.value
    return went


def _refused(no: Refused) -> Went:
    said = SourceMessage(no.code, no.text)
    return Went("refused", (Finding("order-refused", no.text, no.system, no.instance, blocking=True, source=said),))


async def _kept(job: Job, name: str) -> Went | None:
    """What an earlier run brought about in this step."""
    async with job.store.connect() as connection:
        result = await kept.result_before(connection, job.held, name, job.held.run)
    return None if result is None else msgspec.json.decode(result, type=Went)


async def _end(job: Job, name: str, went: Went) -> None:
    """Nobody is waited for any more, and no process died over the step; what it found opens exceptions or ends them."""
    now = datetime.now(UTC)
    async with job.store.begin() as connection:
        if not await rows.note_waiting(connection, job.held.change_request_id, None, None, executor=job.token):
            raise Superseded(job.held.run_id)
        if went.outcome == "done":
            await kept.keep(connection, job.held, name, msgspec.json.encode(went).decode(), now)
        held = await rows.load(connection, job.held.change_request_id)
        if held is not None:
            await exception_rows.report(connection, held, name, went.findings, now)


async def _wait(job: Job, name: str, met: Obstacle, now: datetime) -> None:
    """For who looks at the request; told once, when it begins to wait."""
    ident = job.held.change_request_id
    async with job.store.begin() as connection:
        held = await rows.load(connection, ident)
        before = held.waiting_for if held else None
        since = before.since if before and before.instance == met.instance else now
        waiting = met.waited_for("ordergate", now, since)
        retry_at = now + timedelta(seconds=met.delay_s)
        if not await rows.note_waiting(connection, ident, waiting, retry_at, executor=job.token):
            raise Superseded(job.held.run_id)
        if held and since == now:
            await tell(connection, held, "operation.waiting", step=name, waitingFor=waiting.system)
