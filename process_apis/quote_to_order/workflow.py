"""The conversion itself, step by step, as the durable engine runs it. Read `_convert` from top to bottom.

Before the order exists every step may be repeated freely; creating it is the pivot; after it everything goes forward.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis import operation_rows as rows
from process_apis.durable import Durable
from process_apis.exceptions import Finding
from process_apis.landscape import Landscape
from process_apis.operations import ENDED, Operation, OperationLine, State
from process_apis.outages import Refused
from process_apis.patience import through_outages
from process_apis.promises import PromiseOutcome
from process_apis.quote_to_order import create, kept, lines, news, rules, schedule
from process_apis.quote_to_order.create import Placed
from process_apis.quote_to_order.deciding import Decided, settle
from process_apis.quote_to_order.finishing import finish
from process_apis.quote_to_order.job import DECISION_TTL, Conversion, End, certain
from process_apis.quote_to_order.models import KIND, Terms
from process_apis.quote_to_order.references import Resolved
from process_apis.quote_to_order.schedule import Scheduled
from process_apis.quote_to_order.sweep import PICK_UP_EVERY_S, SWEEP_EVERY_S, after_death, pick_up, sweep
from process_apis.stepping import Run
from process_apis.takeover import rest_s
from process_apis.telling import News, Note
from process_apis.turns import Superseded
from system_apis import trail
from system_apis.sap.client import SapErp
from system_apis.sap.models import NewOrder

SCHEDULING: State = "scheduling"
HOLDS = frozenset({"credit-hold", "delivery-block", "approval-hold"})
log = logging.getLogger("ordergate.conversions")
_terms = msgspec.json.Decoder(Terms)


def register(
    durable: Durable, *, store: AsyncEngine, landscape: Landscape, decision_ttl: timedelta = DECISION_TTL
) -> None:
    """Teach the engine this workflow and the broom behind it; before `launch`."""

    async def convert(operation_id: str) -> None:
        run = Run(operation_id, store, durable)
        operation = await through_outages(lambda: _taken_over(run))
        if operation is None:
            return
        run = replace(run, run=operation.run)
        await asyncio.sleep(rest_s(operation.takeovers))
        trail.take_up(operation.correlation_id, operation.traceparent)
        try:
            await _convert(Conversion(run, landscape, operation, _terms.decode(operation.terms), decision_ttl))
        except Superseded:
            log.info("operation %s goes on without this run, or not at all", operation_id)

    durable.workflow(KIND, convert, after_death=partial(after_death, store))
    durable.every(PICK_UP_EVERY_S, lambda: pick_up(store, durable))
    durable.every(SWEEP_EVERY_S, lambda: sweep(store, durable))


async def _taken_over(run: Run) -> Operation | None:
    """From here on this process acts for the operation. Not a step: each new run of it says so anew."""
    async with run.store.begin() as connection:
        turn = run.durable.turn()
        taken = await rows.take_over(connection, run.operation_id, turn.token, run=turn.run)
        return None if taken is None or taken.state in ENDED else await rows.whole(connection, taken)


async def _convert(job: Conversion) -> None:
    settled = await settle(job)
    if isinstance(settled, End):
        await finish(job, job.operation.lines, without_order=settled)
        return
    resolved, decided = settled
    if decided.verdict.decision == "reject":
        await finish(job, decided.lines, without_order=End("rejected", _why(decided.verdict.findings)))
        return
    erp = job.landscape.erps[resolved.erp]
    placed = await _create(job, resolved, decided, erp)
    if placed.refused is not None:
        await finish(job, decided.lines, without_order=End("rejected", _why((placed.refused,))))
    elif placed.unclear is None and placed.number is not None:
        shown = await _schedule(job, resolved, decided, placed, erp)
        await finish(job, shown, order=(erp.instance, placed.number))


async def _create(job: Conversion, resolved: Resolved, decided: Decided, erp: SapErp) -> Placed:
    """The pivot."""
    demands = tuple(demand for demand in resolved.demands if demand.line_id in decided.verdict.ordered)
    new = NewOrder(
        reference=job.run.operation_id,
        customer_po=job.terms.request.customer_po,
        sales_area=job.landscape.sales_area,
        sold_to=job.terms.quote.customer,
        ship_to=job.terms.quote.ship_to or job.terms.quote.customer,
        requested_date=min(demand.requested_date for demand in demands),
        lines=demands,
        begun_at=job.operation.created_at,
    )

    async def place() -> Placed:
        return await create.place_order(job.run, erp, new)

    def noted(placed: Placed) -> Note:
        known = {"order_instance": erp.instance, "order_number": placed.number} if placed.number else {}
        if placed.refused:
            by_the_erp = placed.refused.system == "erp"
            return Note(findings=(placed.refused,), outcome="refused" if by_the_erp else "notDone")
        if placed.unclear:
            event = "quote.conversion.actionRequired"
            return Note(known, (placed.unclear,), state="actionRequired", event=event, outcome="unclear")
        shown = lines.with_items(decided.lines, placed.items, held=placed.held)
        order_id, po = f"{erp.instance}.{placed.number}", new.customer_po
        told = tuple(news.created(order_id, shown, decided.verdict.findings, po, placed.holds))
        return Note({**known, "lines": shown}, state=SCHEDULING, event="quote.conversion.orderCreated", news=told)

    placed: Placed | Refused = await job.run.forward(create.STEP, create.STATE, place, Placed, system="erp", note=noted)
    return certain(placed)


async def _schedule(
    job: Conversion, resolved: Resolved, decided: Decided, placed: Placed, erp: SapErp
) -> tuple[OperationLine, ...]:
    """Days on the order, capacity in the plan, the plan's days on the order; the lines as they then stand."""
    number, items = placed.number or "", placed.items
    guard = partial(job.run.before_write, SCHEDULING)
    wanted = {demand.line_id: demand.requested_date for demand in resolved.demands if demand.line_id in items}
    if len(set(wanted.values())) > 1:
        await _report(job, "requestDates", lambda: schedule.request_dates(erp, number, items, wanted, guard))

    async def commit() -> Scheduled:
        clock = job.run.clock
        return await schedule.commit_schedule(job.landscape, erp, number, items, wanted, guard=guard, clock=clock)

    def shown_after(scheduled: Scheduled) -> tuple[OperationLine, ...]:
        shown = lines.with_items(decided.lines, items)
        return lines.with_dates(shown, resolved.demands, scheduled.pieces, held=scheduled.held)

    def noted(scheduled: Scheduled) -> Note:
        missed = (
            rules.broken_promise(plan, scheduled.pieces[plan.line_id], erp.instance)
            for plan in decided.verdict.lines
            if plan.line_id in scheduled.pieces
        )
        known = {one.code for one in decided.verdict.findings if one.line_id is None}  # a hold that was foreseen
        fresh = (one for one in scheduled.findings if one.line_id is not None or one.code not in known)
        findings = (*fresh, *(one for one in missed if one))
        shown = shown_after(scheduled)
        lifted = HOLDS - {one.code for one in scheduled.findings}
        outcome = kept.compared(job.terms.promised, shown, job.operation.created_at)
        told = _told_of(f"{erp.instance}.{number}", shown, scheduled, placed, outcome)
        return Note({"lines": shown, "promise": outcome}, findings, news=told, over=lifted)

    answer: Scheduled | Refused = await job.run.forward(
        "commitSchedule", SCHEDULING, commit, Scheduled, system="scheduler", note=noted
    )
    scheduled = certain(answer)
    made_by = scheduled.made_by
    if made_by:
        await _report(job, "confirmDates", lambda: schedule.confirm_dates(erp, number, items, made_by, guard))
    return shown_after(scheduled)


def _told_of(
    order_id: str,
    shown: Sequence[OperationLine],
    scheduled: Scheduled,
    placed: Placed,
    outcome: PromiseOutcome | None,
) -> tuple[News, ...]:
    """Confirmed or held, never both; a hold that was there from the beginning has been told."""
    drift = tuple(news.promise_changed(order_id, outcome))
    if not scheduled.held:
        return (news.confirmed(order_id, shown), *drift)
    holds = [one.code for one in scheduled.findings if one.line_id is None]
    return drift if placed.held else (news.held(order_id, holds), *drift)


async def _report(job: Conversion, name: str, change: schedule.Change) -> None:
    """A change of the order whose refusal is an exception to work off and nothing worse."""
    shape = tuple[Finding, ...]
    await job.run.forward(name, SCHEDULING, change, shape, system="erp", note=lambda findings: Note(findings=findings))


def _why(findings: Iterable[Finding]) -> str:
    """In one line: what the CRM shows to people."""
    blocking = [one for one in findings if one.blocking]
    said = [f"{one.code}: {one.source.text if one.source else one.detail}" for one in blocking]
    return "; ".join(dict.fromkeys(said)) or "not all lines can be ordered"
