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
from system_apis.errors import SystemRefused
from system_apis.scheduler.models import Requirement, Scenario

NOTHING_HELD: Mapping[str, str] = MappingProxyType({})


class Plan(NamedTuple):
    """What is planned together: materials of one plant share its work centres, whatever their units. Asked for apart,
    the same capacity would be offered twice."""

    instance: str
    plant: str


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
    """The schedulers of the plants, side by side, for `wanted` by line, in the base unit of its material."""
    async with asyncio.TaskGroup() as asking:
        tasks = [
            asking.create_task(_planned(plan, of, wanted, ground, errand))
            for plan, of in plans_of([line for line in lines if wanted.get(line.line_id)], ground)
        ]
    return [planned for task in tasks for planned in task.result()]


def not_asked(lines: Iterable[Asked], ground: Ground) -> list[Planned]:
    """Whom we would have asked, had we known what for."""
    return [Planned(plan, of, None) for plan, of in plans_of(lines, ground)]


def names_of(lines: Sequence[Asked], ground: Ground) -> list[str]:
    """What the plan calls the lines: by the name of what it holds for the order already, all others are numbered."""
    held = ground.order.names if ground.order else NOTHING_HELD
    taken = set(held.values())
    return [
        held.get(line.line_id) or (str(place) if str(place) not in taken else f"{place}-new")
        for place, line in enumerate(lines)
    ]


def plan_facts(plans: Iterable[Planned], ground: Ground, book: SourceBook) -> dict[str, PlanFact]:
    facts = {}
    for plan, lines, found in plans:
        source = plan_source(plan.instance, found, book)
        told = {line.line_id: line for line in found.value.lines} if found and found.value else {}
        for name, asked in zip(names_of(lines, ground), lines, strict=True):
            facts[asked.line_id] = plan_fact(asked, found, told.get(name), ground, source)
    return facts


async def _planned(
    plan: Plan, lines: Sequence[Asked], wanted: Mapping[str, Decimal], ground: Ground, errand: Errand
) -> list[Planned]:
    """A scheduler refuses the whole for one line in a unit that it does not plan in. Then the units are tried apart,
    those that are only guessed too, so that such a line spoils nobody's answer; and those that it takes are planned
    together once more."""
    found = await _ask(plan, lines, wanted, ground, errand)
    apart: dict[tuple[str, bool], list[Asked]] = {}
    for line in lines:
        apart.setdefault((_unit(line, ground), ground.conversion(line) is None), []).append(line)
    if not _refused(found) or len(apart) == 1:
        return [Planned(plan, lines, found)]
    async with asyncio.TaskGroup() as trying:
        tries = [(of, trying.create_task(_ask(plan, of, wanted, ground, errand))) for of in apart.values()]
    heard = [Planned(plan, of, task.result()) for of, task in tries]
    taken = {line.line_id for one in heard if one.found and one.found.value for line in one.lines}
    answered = [one for one in heard if one.found and one.found.value]
    if len(answered) <= 1:
        return heard
    together = [line for line in lines if line.line_id in taken]
    again = Planned(plan, together, await _ask(plan, together, wanted, ground, errand))
    return [again, *(one for one in heard if one not in answered)]


async def _ask(
    plan: Plan, lines: Sequence[Asked], wanted: Mapping[str, Decimal], ground: Ground, errand: Errand
) -> Found[Scenario]:
    own = ground.order
    needs = needs_of(plan, lines, wanted, ground)
    asked = AskedScenario(plan.instance, plan.plant, needs, own.number if own and own.names else None)
    scheduler = errand.landscape.schedulers[plan.instance]
    return await errand.inquiries.scenario(scheduler, asked, errand.deadline, errand.fresh)


def _refused(found: Found[Scenario]) -> bool:
    return isinstance(found.failure, SystemRefused) and found.failure.final


def needs_of(
    plan: Plan, lines: Sequence[Asked], wanted: Mapping[str, Decimal], ground: Ground
) -> tuple[Requirement, ...]:
    """What a scheduler is asked for: in the base unit, to be finished by the last day that is in time."""
    way = ground.way(plan.plant)
    needs = []
    for name, line in zip(names_of(lines, ground), lines, strict=True):
        conversion, quantity = ground.conversion(line), wanted[line.line_id]
        amount = conversion.to_base(quantity) if conversion else quantity
        needs.append(Requirement(name, line.material, amount, _unit(line, ground), way.needed_by(line.due)))
    return tuple(needs)


def _unit(line: Asked, ground: Ground) -> str:
    """The base unit of the material, or the line's where that is not known."""
    conversion = ground.conversion(line)
    return conversion.base_unit if conversion else line.unit


def plans_of(lines: Iterable[Asked], ground: Ground) -> list[tuple[Plan, list[Asked]]]:
    """Lines by plan; a plant without a scheduler has none."""
    plans: dict[Plan, list[Asked]] = {}
    for line in lines:
        instance = ground.plants[line.plant].scheduler
        if instance:
            plans.setdefault(Plan(instance, line.plant), []).append(line)
    return list(plans.items())
