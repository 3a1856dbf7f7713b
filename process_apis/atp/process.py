"""An availability check: the ERPs and schedulers are asked side by side, then `rules` decides what can be promised."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from process_apis.atp import rules
from process_apis.atp.answer import compose
from process_apis.atp.checks import check_access, check_request, resolve
from process_apis.atp.facts import Asked
from process_apis.atp.models import AtpCheckRequest, Mode, Promise
from process_apis.atp.sources import Group, Plan, Planned, facts_from
from process_apis.caller import Caller
from process_apis.errors import NoSourceAnswered
from process_apis.landscape import Landscape
from process_apis.provenance import Heard, ask
from process_apis.seals import Seals
from process_apis.words import bare
from system_apis.deadline import Deadline
from system_apis.sap.models import Demand, SalesArea, Simulation
from system_apis.scheduler.models import Requirement, Scenario


async def check_availability(
    caller: Caller, request: AtpCheckRequest, *, landscape: Landscape, seals: Seals
) -> Promise:
    """What can be promised for the lines. Raises RequestFaulty, NoSuchThing, or NoSourceAnswered if all are silent."""
    check_access(caller.client, request)
    check_request(request, landscape)
    deadline = caller.deadline.sooner(request.deadline_ms / 1000)
    asked = resolve(request, landscape)
    facts = facts_from(await _ask_all(request, asked, landscape, deadline))
    if not facts.anybody_answered:
        raise NoSourceAnswered(tuple(source.instance for source in facts.sources))
    rule, split_dates = request.confirmation_rule, request.allow.split_dates
    lines = tuple(
        rules.promise_line(one, facts.erp[one.line_id], facts.plan.get(one.line_id), rule, split_dates=split_dates)
        for one in asked
    )
    return compose(caller, lines, facts, sold_to=_sold_to(request), plants=landscape.plants, seals=seals)


async def _ask_all(
    request: AtpCheckRequest, asked: Sequence[Asked], landscape: Landscape, deadline: Deadline
) -> list[Group]:
    """Each ERP instance with the schedulers of its plants: one slow instance costs the others no time."""
    by_erp: dict[str, list[Asked]] = {}
    for line in asked:
        by_erp.setdefault(landscape.plants[line.plant].erp, []).append(line)
    async with asyncio.TaskGroup() as instances:
        groups = [
            instances.create_task(_ask_group(request, erp, lines, landscape, deadline)) for erp, lines in by_erp.items()
        ]
    return [group.result() for group in groups]


async def _ask_group(
    request: AtpCheckRequest, erp: str, lines: Sequence[Asked], landscape: Landscape, deadline: Deadline
) -> Group:
    """`ctp`: ERP and schedulers at once, for everything. Otherwise the ERP first, and the plan for what it lacks."""
    if request.mode == "ctp":
        everything = {line.line_id: line.quantity for line in lines}
        async with asyncio.TaskGroup() as both:
            simulation = both.create_task(_ask_erp(request, erp, lines, landscape, deadline))
            plans = both.create_task(_ask_plans(lines, everything, landscape, deadline))
        return Group(erp, lines, simulation.result(), plans.result())
    heard = await _ask_erp(request, erp, lines, landscape, deadline)
    lacking = _lacking(request.mode, lines, heard)
    if lacking is None:
        return Group(erp, lines, heard, [Planned(plan, _ids(of), None) for plan, of in _plans(lines, landscape)])
    return Group(erp, lines, heard, await _ask_plans(lines, lacking, landscape, deadline))


def _lacking(mode: Mode, lines: Iterable[Asked], heard: Heard[Simulation]) -> dict[str, Decimal] | None:
    """What the plan is asked for, by line; None where it is unknown because the ERP is silent."""
    if mode == "atp" or heard.refusal:
        return {}
    if heard.answer is None:
        return None
    told = {line.line_id: line for line in heard.answer.lines}
    lacking = {line.line_id: rules.shortfall(line, told.get(line.line_id)) for line in lines}
    return {line_id: quantity for line_id, quantity in lacking.items() if quantity > 0}


async def _ask_erp(
    request: AtpCheckRequest, erp: str, lines: Iterable[Asked], landscape: Landscape, deadline: Deadline
) -> Heard[Simulation]:
    asked_area = request.sales_area
    area = landscape.sales_area
    if asked_area:
        area = SalesArea(asked_area.sales_organization, asked_area.distribution_channel, asked_area.division)
    demands = [
        Demand(line.line_id, line.material, line.quantity, line.unit, line.requested_date, line.plant) for line in lines
    ]
    return await ask(landscape.erps[erp].simulate(_sold_to(request), area, demands, deadline=deadline), deadline)


async def _ask_plans(
    lines: Iterable[Asked], wanted: Mapping[str, Decimal], landscape: Landscape, deadline: Deadline
) -> list[Planned]:
    """The schedulers of the plants, side by side, for `wanted` by line."""
    async with asyncio.TaskGroup() as asking:
        heard = [
            (plan, of, asking.create_task(_ask_plan(plan, of, wanted, landscape, deadline)))
            for plan, of in _plans([line for line in lines if line.line_id in wanted], landscape)
        ]
    return [Planned(plan, _ids(of), answer.result()) for plan, of, answer in heard]


async def _ask_plan(
    plan: Plan, lines: Iterable[Asked], wanted: Mapping[str, Decimal], landscape: Landscape, deadline: Deadline
) -> Heard[Scenario]:
    needs = [
        Requirement(line.line_id, line.material, wanted[line.line_id], line.unit, line.requested_date) for line in lines
    ]
    scheduler = landscape.schedulers[plan.instance]
    return await ask(scheduler.simulate(plan.plant, needs, order_reference=None, deadline=deadline), deadline)


def _plans(lines: Iterable[Asked], landscape: Landscape) -> list[tuple[Plan, list[Asked]]]:
    """Lines by plan; a plant without a scheduler has none."""
    plans: dict[Plan, list[Asked]] = {}
    for line in lines:
        instance = landscape.plants[line.plant].scheduler
        if instance:
            plans.setdefault(Plan(instance, line.plant, line.unit), []).append(line)
    return list(plans.items())


def _ids(lines: Iterable[Asked]) -> frozenset[str]:
    return frozenset(line.line_id for line in lines)


def _sold_to(request: AtpCheckRequest) -> str:
    return bare(request.sold_to.id) if request.sold_to else ""
