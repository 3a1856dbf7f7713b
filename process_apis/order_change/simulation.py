"""What a wish would cost: the ERP simulates the whole order as wished, the plan what the ERP would lack. Nothing is
changed and nothing reserved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from msgspec import Struct

from process_apis.errors import NoSourceAnswered
from process_apis.exceptions import Finding, SourceMessage
from process_apis.landscape import Landscape
from process_apis.order_change import rules
from process_apis.order_change.models import Proposal
from process_apis.order_change.rules import ZERO, Wanted
from process_apis.order_change.showing import line_proposal
from process_apis.orders.reading import OrderFacts
from process_apis.orders.rules import HeldPiece, held_pieces
from process_apis.provenance import Heard, ask
from process_apis.ways import arriving, in_time
from process_apis.words import Money, tidy
from system_apis.deadline import Deadline
from system_apis.sap.models import Order, Simulation
from system_apis.sap.reasons import reason_of
from system_apis.scheduler.models import Requirement, Scenario

Plans = dict[str, tuple[HeldPiece, ...]]


class Outlook(Struct, frozen=True):
    """What the systems say: by item what the ERP and the plan would give, the new net value, and what is wrong."""

    erp: Plans
    plan: Plans
    net: Decimal
    findings: tuple[Finding, ...]


async def propose(
    facts: OrderFacts, order: Order, wanted: Sequence[Wanted], *, landscape: Landscape, deadline: Deadline
) -> tuple[Proposal, tuple[Finding, ...]]:
    """The proposal and the findings behind it. Raises NoSourceAnswered if a system that must be asked is silent:
    nobody should have to decide on half a view."""
    outlook = await _outlook(facts, order, wanted, landscape, deadline)
    refused = {finding.line_id for finding in outlook.findings if finding.blocking}
    changed = [one for one in wanted if one.changed]
    items = {item.item: item for item in order.items}
    lines = []
    clean = not outlook.findings
    for one in changed:
        now = held_pieces(items[one.item], facts.commitments_of(one.item))
        then = rules.offered(one.quantity, outlook.erp.get(one.item, ()), outlook.plan.get(one.item, ()))
        shown = line_proposal(
            items[one.item],
            one,
            now,
            then,
            line_id=facts.line_ids.get(one.item, one.item),
            refused=one.item in refused,
        )
        lines.append(shown)
        clean &= shown.proposed.status in ("confirmed", "cancelled") and not rules.broken(now, then, one)
    return Proposal(
        lines=tuple(lines),
        net_change=Money(tidy(outlook.net - order.net_amount), order.currency),
        clean=clean,
        acceptable=not any(finding.blocking for finding in outlook.findings),
        simulated_at=datetime.now(UTC),
    ), outlook.findings


async def _outlook(
    facts: OrderFacts, order: Order, wanted: Sequence[Wanted], landscape: Landscape, deadline: Deadline
) -> Outlook:
    demands = rules.demands(wanted)
    if not demands:  # everything is cancelled: there is nothing to ask for
        return Outlook({}, {}, ZERO, ())
    erp = landscape.erps[facts.instance]
    asked = erp.simulate(order.sold_to, order.sales_area, demands, deadline=deadline, order=order.number)
    heard = await ask(asked, deadline)
    if heard.refusal:
        said = Finding("order-refused", heard.refusal.text, "erp", facts.instance, blocking=True, source=heard.refusal)
        return Outlook({}, {}, order.net_amount, (said,))
    if heard.answer is None:
        raise NoSourceAnswered((facts.instance,))
    confirmed = _erp_pieces(heard.answer, {one.line_id: one.requested_date for one in demands})
    plan, silent_plan = await _plan(facts, wanted, confirmed, landscape, deadline)
    findings = (*_erp_findings(heard.answer, facts.instance), *silent_plan)
    return Outlook(confirmed, plan, heard.answer.net_amount, findings)


def plan_needs(
    facts: OrderFacts, wanted: Sequence[Wanted], confirmed: Mapping[str, Decimal]
) -> dict[tuple[str, str], tuple[Requirement, ...]]:
    """What is asked of the plan, by plant and unit. `confirmed` by the ERP, per item."""
    held = {
        one.item: sum((commitment.quantity for commitment in facts.commitments_of(one.item)), ZERO) for one in wanted
    }
    asked = rules.requirements(wanted, confirmed, held, facts.line_ids)
    return {(plant, unit): in_time(needs, facts.way_from(plant)) for (plant, unit), needs in asked.items()}


async def _plan(
    facts: OrderFacts, wanted: Sequence[Wanted], confirmed: Plans, landscape: Landscape, deadline: Deadline
) -> tuple[Plans, tuple[Finding, ...]]:
    totals = {item: sum((piece.quantity for piece in pieces), ZERO) for item, pieces in confirmed.items()}
    names = {facts.line_ids.get(one.item, one.item): one for one in wanted}
    async with asyncio.TaskGroup() as asking:
        answers = [
            (scheduler.instance, asking.create_task(ask(scenario, deadline)))
            for (plant, _), needs in plan_needs(facts, wanted, totals).items()
            if (scheduler := landscape.scheduler_of(plant))
            for scenario in [scheduler.simulate(plant, needs, order_reference=facts.number, deadline=deadline)]
        ]
    heard = [(instance, answer.result()) for instance, answer in answers]
    silent = tuple(instance for instance, one in heard if one.answer is None and one.refusal is None)
    if silent:
        raise NoSourceAnswered(silent)
    return _plan_pieces(facts, heard, names), _plan_findings(heard)


def _erp_pieces(simulation: Simulation, wanted: Mapping[str, date]) -> Plans:
    return {
        line.line_id: tuple(
            HeldPiece(one.confirmed, one.date, "inbound" if one.date > wanted[line.line_id] else "onHand", "erp")
            for one in line.confirmations
            if one.date and one.confirmed > 0
        )
        for line in simulation.lines
    }


def _plan_pieces(facts: OrderFacts, heard: Sequence[tuple[str, Heard[Scenario]]], names: Mapping[str, Wanted]) -> Plans:
    found = {}
    for line in (line for _, one in heard if one.answer for line in one.answer.lines):
        item = names[line.line_id]
        made = arriving(line, item.requested_date, facts.way_from(item.plant))
        found[item.item] = tuple(
            HeldPiece(piece.quantity, piece.date, "production", "scheduler", line.work_centre) for piece in made.pieces
        )
    return found


def _erp_findings(simulation: Simulation, instance: str) -> tuple[Finding, ...]:
    found = [
        Finding(
            reason_of(said.code),
            said.text,
            "erp",
            instance,
            blocking=True,
            line_id=item,
            source=SourceMessage(said.code, said.text),
        )
        for item, said in simulation.refused.items()
    ]
    if simulation.credit == "blocked":
        text = "with this change the customer's credit is blocked: the ERP would hold the order"
        found.append(Finding("credit-hold", text, "erp", instance, blocking=False))
    return tuple(found)


def _plan_findings(heard: Sequence[tuple[str, Heard[Scenario]]]) -> tuple[Finding, ...]:
    return tuple(
        Finding("capacity-conflict", one.refusal.text, "scheduler", instance, blocking=False, source=one.refusal)
        for instance, one in heard
        if one.refusal
    )
