"""The three writes of a commit. Each looks before it repeats: a repeat finds its own work done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial

from msgspec.structs import replace

from process_apis.conversions import LineConversion, back
from process_apis.errors import NoSourceAnswered
from process_apis.exceptions import Finding, SourceMessage
from process_apis.order_change import kept, rows, rules
from process_apis.order_change.attempts import DONE, Job, Went
from process_apis.order_change.rules import ZERO, Wanted
from process_apis.order_change.simulation import plan_needs
from process_apis.orders.reading import OrderFacts, read_facts
from process_apis.orders.rules import ItemState
from process_apis.orders.views import item_states
from process_apis.outages import NotYet, step_deadline
from process_apis.quote_to_order.lines import exceptions_for_crm
from system_apis.deadline import Deadline
from system_apis.errors import NotFoundInSystem, SystemRefused, VersionMoved
from system_apis.salesforce.models import ExceptionOutcome, LineOutcome, Quote, QuoteOutcome
from system_apis.sap.models import Order, OrderItem
from system_apis.scheduler.models import Requirement, Scenario
from system_apis.scheduler.port import PLAN_MOVED, Scheduler

WRITE_BACK = "writeBack"


async def change_order(job: Job, wanted: Sequence[Wanted]) -> Went:
    """Change the ERP's order, guarded by the version that the caller saw.

    That version makes a repeat harmless: if an earlier attempt got through after all, the ERP answers that the order
    has moved, and then the question is whether the order is what we wanted. An ERP that takes a change step by step may
    stop half way: from the version it was left at we go on with what is still missing.
    """
    erp, left_at = job.landscape.erps[job.instance], await _left_at(job)
    order = await erp.read_order(job.number, deadline=step_deadline())
    if order.etag in {job.held.based_on.erp, left_at}:
        patch, deadline = rules.patch(order, order.etag, wanted), await _about_to_write(job, order.etag)
        try:
            await erp.change_order(patch, deadline=deadline, between=partial(_about_to_write, job))
        except VersionMoved:
            order = await erp.read_order(job.number, deadline=step_deadline())
        except SystemRefused as no:
            if not no.final or (left_at is None and no.half_done is None):
                raise
            order = await erp.read_order(job.number, deadline=step_deadline())
            if no.half_done is None and not _is_begun(job, left_at, order, wanted):
                raise
            return _as_far_as_taken(job, order, wanted, no)
        else:
            return DONE
    if rules.is_applied(order, wanted):
        return DONE
    if _is_begun(job, await _left_at(job), order, wanted):
        return _as_far_as_taken(job, order, wanted)
    return Went("moved")


async def _about_to_write(job: Job, version: str | None) -> Deadline:
    """Before each step of the change: ask once more whether it is ours to make, and remember where the order stands, so
    that whoever goes on knows that some of it may be done. Nobody else's mark is overwritten."""
    deadline = step_deadline()
    async with job.store.begin() as connection:
        await job.still_ours(connection)
        await kept.keep(connection, job.held, kept.LEFT_AT, version or "", datetime.now(UTC))
    return deadline


async def _left_at(job: Job) -> str | None:
    async with job.store.connect() as connection:
        return await kept.left_at(connection, job.held)


def _is_begun(job: Job, left_at: str | None, order: Order, wanted: Sequence[Wanted]) -> bool:
    """Did a step of ours get through? One that we heard of left the order at another version, though the ERP may have
    made something else of it than was wanted (a rounded quantity); of one that we did not hear of, the order tells."""
    if left_at is None:
        return False
    return left_at != job.held.based_on.erp or rules.is_begun(order, wanted)


def _as_far_as_taken(job: Job, order: Order, wanted: Sequence[Wanted], no: SystemRefused | None = None) -> Went:
    """What the ERP took of a change stands, so plan and CRM follow that and no more; the rest is told. `no` is why it
    did not take that: without one, the order was changed before it was asked."""
    left = [one for one in wanted if not rules.is_applied(order, (one,))]
    code, text, said = "version-conflict", "the order was changed before the ERP had all of the change", None
    if no is not None:
        code, text = "order-refused", "the ERP took a part of the change, and this item is not what was wanted"
        said = SourceMessage(no.code, no.message)
    findings = (Finding(code, text, "erp", job.instance, blocking=True, line_id=one.item, source=said) for one in left)
    return Went("done", tuple(findings), tuple(one for one in wanted if one not in left))


async def change_schedule(job: Job, wanted: Sequence[Wanted]) -> Went:
    """Let the plan hold what the changed items lack now, and no more. Running it again replaces what it committed."""
    facts, order = await _facts(job)
    confirmed = {
        item.item: sum((line.confirmed for line in item.confirmations if line.date), ZERO) for item in order.items
    }
    findings: list[Finding] = []
    for (plant, _), needs in plan_needs(facts, wanted, confirmed).items():
        scheduler = job.landscape.scheduler_of(plant)
        if scheduler is not None:
            findings += await _replan(job, scheduler, plant, needs)
    return Went("done", tuple(findings))


async def write_back(job: Job) -> Went:
    """Tell the CRM quote what the order's lines get now. An order without a quote needs no telling."""
    facts, order = await _facts(job)
    if facts.crm.outcome != "ok" or not facts.plan_known:
        raise NoSourceAnswered((job.landscape.crm.instance,))
    if facts.quote is None:
        return DONE
    try:
        outcome = replace(_outcome(facts, order, facts.quote), exceptions=await _exceptions(job, facts, facts.quote))
        await job.landscape.crm.write_back(outcome, deadline=await job.before_write())
    except SystemRefused as no:
        if not no.final:
            raise
        text = "the CRM does not take the new dates"
        said = SourceMessage(no.code, no.message)
        return Went("done", (Finding("write-back-pending", text, "crm", no.instance, blocking=False, source=said),))
    return DONE


async def _facts(job: Job) -> tuple[OrderFacts, Order]:
    facts = await read_facts(job.held.order_id, landscape=job.landscape, store=job.store, deadline=step_deadline())
    if facts.order is None:
        raise NoSourceAnswered((job.instance,))
    if not facts.plan_known:
        raise NoSourceAnswered(tuple(facts.plans))
    return facts, facts.order


async def _replan(job: Job, scheduler: Scheduler, plant: str, needs: Sequence[Requirement]) -> list[Finding]:
    try:
        scenario = await scheduler.simulate(plant, needs, order_reference=job.number, deadline=step_deadline())
        deadline = await job.before_write()
        await scheduler.commit(scenario, job.number, if_version=None, deadline=deadline)
    except (NotFoundInSystem, VersionMoved) as gone:
        raise NotYet(scheduler.instance, str(gone), system="scheduler") from gone
    except SystemRefused as no:
        if not no.final:
            raise
        if no.code == PLAN_MOVED:
            raise NotYet(scheduler.instance, str(no), system="scheduler") from no
        text = "the scheduler does not plan what the order lacks now"
        said = SourceMessage(no.code, no.message)
        return [Finding("capacity-conflict", text, "scheduler", scheduler.instance, blocking=False, source=said)]
    return _unplanned(scheduler.instance, scenario)


def _unplanned(instance: str, scenario: Scenario) -> list[Finding]:
    return [
        Finding(
            "shortage",
            f"{line.unplanned:f} {line.unit} find no capacity",
            "scheduler",
            instance,
            blocking=False,
            line_id=line.line_id,
        )
        for line in scenario.lines
        if line.unplanned > 0
    ]


async def _exceptions(job: Job, facts: OrderFacts, quote: Quote) -> tuple[ExceptionOutcome, ...]:
    """Those of the change, as they stand once this news has arrived. A line that the quote lacks is not named."""
    async with job.store.connect() as connection:
        held = await rows.load(connection, job.held.change_request_id)
    known = {line.line_id for line in quote.lines}
    told = []
    for one in exceptions_for_crm(held.exceptions if held else ()):
        line_id = facts.line_ids.get(one.line_id or "", one.line_id)
        over = "resolved" if one.step == WRITE_BACK and one.state == "open" else one.state
        told.append(replace(one, line_id=line_id if line_id in known else None, state=over))
    return tuple(told)


def _outcome(facts: OrderFacts, order: Order, quote: Quote) -> QuoteOutcome:
    """The order's reference is the operation that made it: the quote keeps pointing there."""
    known, by = {line.line_id for line in quote.lines}, facts.maker.conversions if facts.maker else {}
    states = list(item_states(facts))
    lines = tuple(
        _line_outcome(line_id, item, state, by.get(item.item))
        for item, state in states
        if (line_id := facts.line_ids.get(item.item)) in known and line_id is not None
    )
    return QuoteOutcome(
        quote_id=quote.quote_id,
        operation_id=order.reference,
        state="completedWithExceptions" if any(state.status == "hold" for _, state in states) else "completed",
        order_number=order.number,
        order_instance=facts.instance,
        confirmed_date=max((day for _, state in states if (day := _promised(state))), default=None),
        message=None,
        lines=lines,
    )


def _line_outcome(line_id: str, item: OrderItem, state: ItemState, by: LineConversion | None) -> LineOutcome:
    """What the ERP holds back is no promise: the CRM gets no quantity and no day to pass on. Its quantity counts in the
    unit of the quote line."""
    confirmed = None if state.status == "hold" or state.confirmed is None else back(state.confirmed, by)
    return LineOutcome(line_id, state.status, item.item, confirmed, _promised(state))


def _promised(state: ItemState) -> date | None:
    return None if state.status == "hold" else max((piece.date for piece in state.pieces), default=None)
