"""Before anything is written: is the order still what the proposal was made on, and would it still get as much?"""

from __future__ import annotations

from datetime import UTC, datetime

from process_apis import exception_rows
from process_apis.errors import NoSourceAnswered, RequestFaulty
from process_apis.exceptions import Finding, ended
from process_apis.order_change import rows
from process_apis.order_change.attempts import Job, Went
from process_apis.order_change.checks import read_steps
from process_apis.order_change.models import Conflict, Proposal
from process_apis.order_change.rules import Wanted, wanted_items, worse
from process_apis.order_change.showing import pieces_of
from process_apis.order_change.simulation import propose
from process_apis.order_change.telling import tell
from process_apis.orders.reading import OrderFacts, read_facts
from process_apis.orders.versions import OrderVersion, moved_parts
from process_apis.outages import step_deadline
from system_apis.sap.models import Order


async def recheck(job: Job, *, overtaken: bool = False) -> Went:
    """Simulate once more. If anything moved, or less is offered than was accepted, there is a new proposal instead.

    `overtaken`: the ERP said so already, when it was asked to change the order.
    """
    held = job.held
    facts = await read_facts(held.order_id, landscape=job.landscape, store=job.store, deadline=step_deadline())
    if facts.erp.absent:
        return _impossible(job, "the order does not exist any more")
    version, order = facts.version(held.based_on.disclosure), facts.order
    if version is None or order is None:
        raise NoSourceAnswered((facts.instance,))
    try:
        wanted = _wanted(job, facts, order)
    except RequestFaulty as faulty:
        return _impossible(job, "; ".join(fault.detail for fault in faulty.faults))
    proposal, findings = await propose(facts, order, wanted, landscape=job.landscape, deadline=step_deadline())
    conflicts = _conflicts(job, version, proposal, findings, overtaken=overtaken)
    if not conflicts:
        return Went("done", wanted=wanted)
    await _propose_anew(job, version, proposal, conflicts, findings)
    return Went("moved")


def _wanted(job: Job, facts: OrderFacts, order: Order) -> tuple[Wanted, ...]:
    steps = read_steps(job.held.wish.operations, order, facts.line_ids, job.landscape.today_at, job.landscape.units)
    return wanted_items(order, steps, job.landscape.today_at)


def _conflicts(
    job: Job, version: OrderVersion, fresh: Proposal, findings: tuple[Finding, ...], *, overtaken: bool
) -> tuple[Conflict, ...]:
    moved = [
        Conflict(system, "changed since the proposal was made") for system in moved_parts(job.held.based_on, version)
    ]
    if overtaken and not moved:
        moved = [Conflict("erp", "changed while the proposal was being committed")]
    then = {line.item_id: pieces_of(line) for line in job.held.proposal.lines}
    now = {line.item_id: pieces_of(line) for line in fresh.lines}
    less = [Conflict("promise", f"item {item} would get less, or later, than proposed") for item in worse(then, now)]
    known = {(one.code, one.line_id) for one in job.held.exceptions if not ended(one)}
    new = [Conflict(one.system, one.detail) for one in findings if (one.code, one.line_id) not in known]
    return (*moved, *less, *new)


async def _propose_anew(
    job: Job,
    version: OrderVersion,
    proposal: Proposal,
    conflicts: tuple[Conflict, ...],
    findings: tuple[Finding, ...],
) -> None:
    held, now = job.held, datetime.now(UTC)
    async with job.store.begin() as connection:
        done = await rows.move(
            connection,
            held.change_request_id,
            "proposed",
            now,
            revision=held.revision,
            executor=job.token,
            proposal=proposal,
            based_on=version,
            conflicts=conflicts,
            decision=None,
            waiting_for=None,
            retry_at=None,
        )
        renewed = await rows.load(connection, held.change_request_id)
        if done and renewed:
            await exception_rows.report(connection, renewed, "simulation", findings, now)
            await tell(connection, renewed, "order.change.conflict")


def _impossible(job: Job, why: str) -> Went:
    text = f"the change does not fit the order any more: {why}"
    return Went("refused", (Finding("version-conflict", text, "erp", job.instance, blocking=True),))
