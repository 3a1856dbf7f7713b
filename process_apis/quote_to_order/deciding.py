"""Before the pivot: resolve, simulate in ERP and plan, decide per policy, and ask the caller where the policies say so.

All of it may be repeated freely; nothing of it leaves a trace in a neighbour.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from process_apis import operation_rows as rows
from process_apis.exceptions import Finding, SourceMessage
from process_apis.operations import OperationLine
from process_apis.outages import Refused, step_deadline
from process_apis.patience import through_outages
from process_apis.quote_to_order import lines, references, resolving, rules
from process_apis.quote_to_order.job import Conversion, End, certain
from process_apis.quote_to_order.references import Resolved
from process_apis.quote_to_order.rules import Planned, Verdict
from process_apis.telling import Note
from process_apis.turns import Superseded
from process_apis.ways import arriving, in_time, way_from
from system_apis.errors import SystemRefused
from system_apis.sap.models import Simulation

VALIDATING: Literal["validating"] = "validating"
LAST_WORDS = timedelta(seconds=2)
"""A decision made in the last moment may still be on its way into the store when the time is up."""
PlannedLines = dict[str, Planned]


class Decided(Struct, frozen=True):
    """The verdict, how the lines are shown with it, and until when a proposal stands."""

    verdict: Verdict
    lines: tuple[OperationLine, ...]
    decide_by: datetime | None


class Settled(NamedTuple):
    """What is to be done, and the lines that it is about in the ERP's terms."""

    resolved: Resolved
    decided: Decided


async def settle(job: Conversion) -> Settled | End:
    """A verdict to act on: decided by the policies, or by the caller for as long as the facts keep to the proposal. A
    proposal may lie for days: what is in force is looked up anew before it is acted on."""
    accepted: Verdict | None = None
    while True:
        resolved = await _resolve(job)
        decided = await _decide(job, resolved, accepted)
        if decided.verdict.decision != "ask" or decided.decide_by is None:
            return Settled(resolved, decided)
        answer = await _ask(job, decided.decide_by)
        if answer == "accept":
            accepted = decided.verdict
        elif answer == "reject":
            return End("rejected", "the proposal was not accepted")
        elif answer is None:
            return End("expired", f"nobody decided until {decided.decide_by:%Y-%m-%d %H:%M} UTC")
        else:
            raise Superseded(job.run.operation_id)


async def _resolve(job: Conversion) -> Resolved:
    async def resolved() -> Resolved:
        return await resolving.resolved(job)

    # An accepted proposal has done its work once the facts are looked at again.
    return certain(
        await job.run.forward("resolve", VALIDATING, resolved, Resolved, system="erp", entering={"decision": None})
    )


async def _decide(job: Conversion, resolved: Resolved, accepted: Verdict | None) -> Decided:
    simulation = await _simulate_order(job, resolved) if resolved.demands else None
    planned = await _simulate_schedule(job, resolved, simulation) if isinstance(simulation, Simulation) else {}

    async def decide() -> Decided:
        if isinstance(simulation, Simulation):
            verdict = rules.judge(job.terms, resolved, simulation, planned, accepted)
            currency = simulation.currency
        else:
            finding = _not_simulated(simulation) if simulation else None
            verdict, currency = rules.refused_as_a_whole(job.terms, resolved, finding), job.terms.quote.currency
        shown = lines.decided_lines(job.operation.lines, resolved, verdict, currency)
        return Decided(verdict, shown, job.run.clock() + job.decision_ttl if verdict.decision == "ask" else None)

    def noted(decided: Decided) -> Note:
        return _note_decision(decided, accepted=accepted is not None)

    decided: Decided | Refused = await job.run.forward("decide", VALIDATING, decide, Decided, note=noted)
    return certain(decided)


def _note_decision(decided: Decided, *, accepted: bool) -> Note:
    """What the caller said stands for the proposal it was about: another one is open again."""
    columns: dict[str, Any] = {"lines": decided.lines, "decide_by": decided.decide_by}
    if decided.decide_by is None:
        return Note(columns | {"decision": "accept"} if accepted else columns, decided.verdict.findings)
    return Note(columns, decided.verdict.findings, state="awaitingDecision", event="quote.conversion.awaitingDecision")


async def _simulate_order(job: Conversion, resolved: Resolved) -> Simulation | Refused:
    """Price, tax, credit and availability in one question to the ERP."""
    erp = job.landscape.erps[resolved.erp]

    async def simulate() -> Simulation:
        quote, area = job.terms.quote, job.landscape.sales_area
        return await erp.simulate(
            quote.customer, area, resolved.demands, ship_to=quote.ship_to, deadline=step_deadline()
        )

    return await job.run.forward("simulateOrder", VALIDATING, simulate, Simulation, system="erp")


async def _simulate_schedule(job: Conversion, resolved: Resolved, simulation: Simulation) -> PlannedLines:
    """What the plan can do about the shortfall. A plan that refuses to look at a line can do nothing about it."""
    shortfalls = references.shortfalls(resolved.demands, simulation)

    async def simulate() -> PlannedLines:
        planned: PlannedLines = {}
        for plant, needs in shortfalls.items():
            scheduler = job.landscape.scheduler_of(plant)
            if scheduler is None:
                continue
            way = way_from(job.landscape.plants, plant, job.ship_to, job.run.clock())
            asked = in_time(needs, way)
            try:
                scenario = await scheduler.simulate(plant, asked, order_reference=None, deadline=step_deadline())
            except SystemRefused as no:
                if not no.final:
                    raise
                continue
            due = {need.line_id: need.due_date for need in needs}
            planned |= {
                line.line_id: Planned(scheduler.instance, arriving(line, due[line.line_id], way))
                for line in scenario.lines
            }
        return planned

    if not shortfalls:
        return {}
    return certain(await job.run.forward("simulateSchedule", VALIDATING, simulate, PlannedLines, system="scheduler"))


async def _ask(job: Conversion, until: datetime) -> str | None:
    """`accept` or `reject`; `moved` if the operation was cancelled meanwhile; None if time is up."""
    run = job.run

    async def look() -> str | None:
        async with run.store.connect() as connection:
            operation = await rows.load(connection, run.operation_id)
        if operation is None or operation.state not in ("awaitingDecision", "writingBack"):
            return "moved"  # in writingBack an earlier run had its answer already
        return operation.decision

    return await run.durable.wait_for_decision(
        run.operation_id, lambda: through_outages(look), str | None, until + LAST_WORDS
    )


def _not_simulated(no: Refused) -> Finding:
    detail = "the ERP does not take the order"
    return Finding("order-refused", detail, "erp", no.instance, blocking=True, source=SourceMessage(no.code, no.text))
