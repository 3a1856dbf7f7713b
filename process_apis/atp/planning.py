"""Schedulers are asked for what the ERP does not confirm, plants side by side, each by its own (promising.md §2)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from process_apis.atp.facts import Asked, PlanFact
from process_apis.atp.hearing import Ground, plan_fact, plan_source
from process_apis.atp.inquiries import AskedScenario
from process_apis.atp.ladder import Errand
from process_apis.atp.shared_reads import Found
from process_apis.atp.sources import SourceBook
from system_apis.scheduler.models import Requirement, Scenario

NOTHING_HELD: Mapping[str, str] = MappingProxyType({})


class Plan(NamedTuple):
    """What is planned together. A plant's scheduler may refuse a unit that it does not plan in: kept apart from the
    others, such a line spoils nobody's answer."""

    instance: str
    plant: str
    unit: str


class Planned(NamedTuple):
    """What a plan said about the lines it was asked for. None: it was not asked, although it should have been."""

    plan: Plan
    lines: Sequence[Asked]
    found: Found[Scenario] | None


async def ask_plans(
    wanted: Mapping[str, Decimal],
    lines: Iterable[Asked],
    ground: Ground,
    errand: Errand,
) -> list[Planned]:
    """The schedulers of the plants, side by side, for `wanted` by line, in the unit of the line."""
    async with asyncio.TaskGroup() as asking:
        tasks = [
            (plan, of, asking.create_task(_ask(plan, of, wanted, ground, errand)))
            for plan, of in plans_of([line for line in lines if wanted.get(line.line_id)], ground)
        ]
    return [Planned(plan, of, task.result()) for plan, of, task in tasks]


def not_asked(lines: Iterable[Asked], ground: Ground) -> list[Planned]:
    """Whom we would have asked, had we known what for."""
    return [Planned(plan, of, None) for plan, of in plans_of(lines, ground)]


def names_of(lines: Sequence[Asked], held: Mapping[str, str]) -> list[str]:
    """What the plan calls the lines: `held` names what it holds for an order already, all others are numbered."""
    taken = set(held.values())
    return [
        held.get(line.line_id) or (str(place) if str(place) not in taken else f"{place}-new")
        for place, line in enumerate(lines)
    ]


def plan_facts(
    plans: Iterable[Planned], ground: Ground, book: SourceBook, held: Mapping[str, str] = NOTHING_HELD
) -> dict[str, PlanFact]:
    facts = {}
    for plan, lines, found in plans:
        source = plan_source(plan.instance, found, book)
        told = {line.line_id: line for line in found.value.lines} if found and found.value else {}
        for name, asked in zip(names_of(lines, held), lines, strict=True):
            facts[asked.line_id] = plan_fact(asked, found, told.get(name), ground, source)
    return facts


async def _ask(
    plan: Plan,
    lines: Sequence[Asked],
    wanted: Mapping[str, Decimal],
    ground: Ground,
    errand: Errand,
) -> Found[Scenario]:
    own = errand.order
    needs = needs_of(plan, lines, wanted, ground, own.names if own else NOTHING_HELD)
    asked = AskedScenario(plan.instance, plan.plant, needs, own.number if own and own.names else None)
    scheduler = errand.landscape.schedulers[plan.instance]
    return await errand.inquiries.scenario(scheduler, asked, errand.deadline, errand.fresh)


def needs_of(
    plan: Plan,
    lines: Sequence[Asked],
    wanted: Mapping[str, Decimal],
    ground: Ground,
    held: Mapping[str, str] = NOTHING_HELD,
) -> tuple[Requirement, ...]:
    """What a scheduler is asked for: in the base unit, to be finished by the last day that is in time."""
    way = ground.way(plan.plant)
    needs = []
    for name, line in zip(names_of(lines, held), lines, strict=True):
        conversion, quantity = ground.conversion(line), wanted[line.line_id]
        amount = conversion.to_base(quantity) if conversion else quantity
        needs.append(Requirement(name, line.material, amount, plan.unit, way.needed_by(line.due)))
    return tuple(needs)


def plans_of(lines: Iterable[Asked], ground: Ground) -> list[tuple[Plan, list[Asked]]]:
    """Lines by plan; a plant without a scheduler has none."""
    plans: dict[Plan, list[Asked]] = {}
    for line in lines:
        instance = ground.plants[line.plant].scheduler
        if instance:
            conversion = ground.conversion(line)
            unit = conversion.base_unit if conversion else line.unit
            plans.setdefault(Plan(instance, line.plant, unit), []).append(line)
    return list(plans.items())
