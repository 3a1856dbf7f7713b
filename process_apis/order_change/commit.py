"""Committing an accepted change: ERP, plan and CRM in this order, each step remembered and harmless when it runs twice.

Read `_commit` from top to bottom. Until the ERP is changed the way back is open: what moved meanwhile makes a new
proposal, never a silent commit. From then on everything goes forward.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis import exception_rows
from process_apis.durable import Durable
from process_apis.exceptions import DEAD_LETTER, OPERATION_BROKEN, Finding
from process_apis.landscape import Landscape
from process_apis.order_change import rows, writing
from process_apis.order_change.attempts import Job, Went, persist
from process_apis.order_change.models import ChangeRequest, State
from process_apis.order_change.recheck import recheck
from process_apis.order_change.telling import tell
from process_apis.orders.tables import raise_revision
from process_apis.patience import through_outages
from process_apis.takeover import MOST_TAKEOVERS, rest_s
from process_apis.turns import Superseded, Turn, engine_id
from system_apis import trail

WORKFLOW = "orderChange"
STEP = "commit"
SWEEP_EVERY_S = 15.0
log = logging.getLogger("ordergate.changes")


def register(durable: Durable, *, store: AsyncEngine, landscape: Landscape) -> None:
    """Teach the engine this workflow; before `launch`. What was accepted and never started is started by the sweep."""

    async def commit(run_id: str) -> None:
        change_request_id, _, revision = run_id.rpartition(".")
        held = await through_outages(partial(_taken_over, store, change_request_id, int(revision), durable.turn()))
        if held is None or held.state != "committing":
            log.info("change %s needs no commit any more", run_id)
            return
        await asyncio.sleep(rest_s(held.takeovers))
        trail.take_up(held.correlation_id, held.traceparent)
        try:
            await _commit(Job(held, store, landscape, durable))
        except Superseded:
            log.info("change %s goes on without this run, or not at all", run_id)

    durable.workflow(WORKFLOW, commit, after_death=partial(after_death, store))
    durable.every(SWEEP_EVERY_S, partial(sweep, store, durable))


async def _taken_over(store: AsyncEngine, change_request_id: str, revision: int, turn: Turn) -> ChangeRequest | None:
    """From here on this execution acts for the request. Not a step: each new one says so anew. None: not this one."""
    async with store.begin() as connection:
        if not await rows.take_over(connection, change_request_id, turn.token, revision=revision, run=turn.run):
            return None
        return await rows.load(connection, change_request_id)


async def after_death(store: AsyncEngine, run_id: str, run: int) -> bool:
    """A process died with this commit in its hands: may another one try? If not, somebody has to look at it."""
    change_request_id = run_id.rpartition(".")[0]
    async with store.begin() as connection:
        died = await rows.count_takeover(connection, change_request_id, run)
        held = await rows.load(connection, change_request_id)
    if held is None or held.state != "committing":
        return False
    if died <= MOST_TAKEOVERS:
        return True
    text = f"{died} processes in a row died over the commit; it is not tried again"
    await _bring_to_light(store, run_id, DEAD_LETTER, text)
    return False


async def sweep(store: AsyncEngine, durable: Durable) -> None:
    """One pass over the accepted changes: those never started start now, those that broke come to light."""
    async with store.connect() as connection:
        due = await rows.committing(connection)
    stopped = await durable.stopped_among([engine_id(run_id, run) for run_id, run in due])
    for run_id, run in due:
        if engine_id(run_id, run) in stopped:
            text = "the commit broke for a reason no rule foresaw; the log has it"
            await _bring_to_light(store, run_id, OPERATION_BROKEN, text)
        else:
            await durable.start_once(WORKFLOW, run_id, run)


async def _bring_to_light(store: AsyncEngine, run_id: str, code: str, text: str) -> None:
    """Its workflow will do nothing more, and no rule said so: somebody has to look at it."""
    change_request_id, _, revision = run_id.rpartition(".")
    finding = Finding(code, text, "ordergate", "ordergate", blocking=True)
    now = datetime.now(UTC)
    async with store.begin() as connection:
        moved = await rows.move(
            connection,
            change_request_id,
            "actionRequired",
            now,
            revision=int(revision),
            waiting_for=None,
            retry_at=None,
        )
        held = await rows.load(connection, change_request_id)
        if not moved or held is None:
            return
        await exception_rows.report(connection, held, STEP, (finding,), now)
        await tell(connection, held, "order.change.actionRequired")
    log.error("change %s broke and needs somebody", run_id)


async def _commit(job: Job) -> None:
    checked = await persist(job, "recheck", partial(recheck, job))
    if checked.outcome != "done":
        await _close(job, checked)
        return
    changed = await persist(job, "changeOrder", partial(writing.change_order, job, checked.wanted))
    if changed.outcome == "moved":
        changed = await persist(job, "proposeAnew", partial(recheck, job, overtaken=True))
    if changed.outcome != "done":
        await _close(job, changed)
        return
    taken = changed.wanted if changed.findings else checked.wanted
    planned = await persist(job, "schedule", partial(writing.change_schedule, job, taken))
    told = await persist(job, writing.WRITE_BACK, partial(writing.write_back, job))
    lacking = changed.findings or planned.findings or told.findings
    await _end(job, "finish", "partiallyCommitted" if lacking else "committed")


async def _close(job: Job, went: Went) -> None:
    """A new proposal stands in the table already; a refusal ends the request, and the order is what it was."""
    if went.outcome == "refused":
        await _end(job, "fail", "failed")


async def _end(job: Job, step: str, state: State) -> None:
    await job.durable.step(step, partial(_write_end, job, state), bool)


async def _write_end(job: Job, state: State) -> bool:
    """State, our part of the order's version and the event, in one transaction. False: it was done."""
    now = datetime.now(UTC)
    async with job.store.begin() as connection:
        moved = await rows.move(
            connection,
            job.held.change_request_id,
            state,
            now,
            revision=job.held.revision,
            executor=job.token,
            waiting_for=None,
            retry_at=None,
        )
        ended = await rows.load(connection, job.held.change_request_id)
        if moved and ended:
            if state != "failed":
                await raise_revision(connection, job.held.order_id)
            await tell(connection, ended, f"order.change.{state}")
    return moved
