"""Committing an accepted change: ERP, plan and CRM in this order, each step remembered and harmless when it runs twice.

Read `_commit` from top to bottom. Until the ERP is changed the way back is open: what moved meanwhile makes a new
proposal, never a silent commit. From then on everything goes forward.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis.durable import Durable
from process_apis.exceptions import Finding, opened
from process_apis.landscape import Landscape
from process_apis.order_change import rows, writing
from process_apis.order_change.attempts import Job, Went, persist
from process_apis.order_change.models import ChangeRequest, State
from process_apis.order_change.recheck import recheck
from process_apis.order_change.telling import tell
from process_apis.orders.tables import raise_revision
from process_apis.patience import through_outages
from process_apis.stepping import Superseded
from system_apis import trail

WORKFLOW = "orderChange"
SWEEP_EVERY_S = 15.0
log = logging.getLogger("ordergate.changes")


def register(durable: Durable, *, store: AsyncEngine, landscape: Landscape) -> None:
    """Teach the engine this workflow; before `launch`. What was accepted and never started is started by the sweep."""

    async def commit(run_id: str) -> None:
        change_request_id, _, revision = run_id.rpartition(".")
        held = await through_outages(partial(_taken_over, store, change_request_id, durable.executor_id))
        if held is None or held.state != "committing" or str(held.revision) != revision:
            log.info("change %s needs no commit any more", run_id)
            return
        trail.take_up(held.correlation_id, held.traceparent)
        try:
            await _commit(Job(held, store, landscape, durable))
        except Superseded:
            log.info("change %s goes on without this run, or not at all", run_id)

    durable.workflow(WORKFLOW, commit)
    durable.every(SWEEP_EVERY_S, partial(sweep, store, durable))


async def _taken_over(store: AsyncEngine, change_request_id: str, executor: str) -> ChangeRequest | None:
    """From here on this process acts for the request. Not a step: each new run of it says so anew."""
    async with store.begin() as connection:
        await rows.take_over(connection, change_request_id, executor)
        return await rows.load(connection, change_request_id)


async def sweep(store: AsyncEngine, durable: Durable) -> None:
    """One pass over the accepted changes: those never started start now, those that broke come to light."""
    async with store.connect() as connection:
        due = await rows.committing(connection)
    stopped = await durable.stopped_among(due)
    for run_id in due:
        if run_id in stopped:
            await _bring_to_light(store, run_id)
        else:
            await durable.start_once(WORKFLOW, run_id)


async def _bring_to_light(store: AsyncEngine, run_id: str) -> None:
    """Its workflow will do nothing more, and no rule said so: somebody has to look at it."""
    change_request_id, _, revision = run_id.rpartition(".")
    text = "the commit broke for a reason no rule foresaw; the log has it"
    finding = Finding("operation-broken", text, "ordergate", "ordergate", blocking=True)
    now = datetime.now(UTC)
    async with store.begin() as connection:
        held = await rows.load(connection, change_request_id)
        if held is None:
            return
        fresh = opened(finding, step="commit", at=now, correlation_id=held.correlation_id)
        moved = await rows.move(
            connection,
            change_request_id,
            "actionRequired",
            now,
            revision=int(revision),
            exceptions=(*held.exceptions, fresh),
            waiting_for=None,
            retry_at=None,
        )
        if moved:
            await tell(connection, msgspec.structs.replace(held, state="actionRequired"), "order.change.actionRequired")
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
    planned = await persist(job, "schedule", partial(writing.change_schedule, job, checked.wanted))
    told = await persist(job, "writeBack", partial(writing.write_back, job))
    findings = (*planned.findings, *told.findings)
    await _end(job, "finish", "partiallyCommitted" if findings else "committed", findings)


async def _close(job: Job, went: Went) -> None:
    """A new proposal stands in the table already; a refusal ends the request, and the order is what it was."""
    if went.outcome == "refused":
        await _end(job, "fail", "failed", went.findings)


async def _end(job: Job, step: str, state: State, findings: tuple[Finding, ...]) -> None:
    await job.durable.step(step, partial(through_outages, partial(_write_end, job, state, findings)), bool)


async def _write_end(job: Job, state: State, findings: tuple[Finding, ...]) -> bool:
    """State, exceptions, our part of the order's version and the event, in one transaction. False: it was done."""
    now = datetime.now(UTC)
    exceptions = tuple(opened(one, step="commit", at=now, correlation_id=job.held.correlation_id) for one in findings)
    async with job.store.begin() as connection:
        moved = await rows.move(
            connection,
            job.held.change_request_id,
            state,
            now,
            revision=job.held.revision,
            exceptions=(*job.held.exceptions, *exceptions),
            waiting_for=None,
            retry_at=None,
        )
        if moved:
            if state != "failed":
                await raise_revision(connection, job.held.order_id)
            ended = await rows.load(connection, job.held.change_request_id)
            await tell(connection, ended or job.held, f"order.change.{state}")
    return moved
