"""What was heard from the ERPs and schedulers, put in order: facts by line for the rules, and a list of sources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from process_apis.atp.facts import Asked, ErpFact, PlanFact
from process_apis.exceptions import SourceMessage
from process_apis.provenance import Heard, Source
from system_apis.sap.models import Simulation
from system_apis.scheduler.models import Scenario

ERP_API = "API_SALES_ORDER_SIMULATION_SRV"
SCHEDULER_API = "scenarios"


class Plan(NamedTuple):
    """What is planned together. A plant's scheduler may refuse a unit that it does not plan in: kept apart from the
    others, such a line spoils nobody's answer."""

    instance: str
    plant: str
    unit: str


class Planned(NamedTuple):
    """What a plan said about the lines it was asked for. None: it was not asked, although it should have been."""

    plan: Plan
    line_ids: frozenset[str]
    heard: Heard[Scenario] | None


class Group(NamedTuple):
    """What one ERP instance and the schedulers of its plants said about some lines."""

    instance: str
    lines: Sequence[Asked]
    simulation: Heard[Simulation]
    plans: Sequence[Planned]


class Facts(Struct):
    """All that was heard, by line, and from whom. `plans_expire_at`: until when the plans answered as they did."""

    sources: list[Source]
    erp: dict[str, ErpFact]
    plan: dict[str, PlanFact]
    plans_expire_at: datetime | None = None
    anybody_answered: bool = False


def facts_from(groups: Sequence[Group]) -> Facts:
    """What the rules need, and the list of those who said it: `s1`, `s2`, in the order they were asked."""
    facts = Facts([], {}, {})
    for group in groups:
        _note_erp(facts, group)
        for planned in group.plans:
            _note_plan(facts, *planned)
    return facts


def _note_erp(facts: Facts, group: Group) -> None:
    heard = group.simulation
    source = _erp_source(_next_id(facts), group.instance, heard)
    facts.sources.append(source)
    facts.anybody_answered |= heard.answer is not None or heard.refusal is not None
    told = {line.line_id: line for line in heard.answer.lines} if heard.answer else {}
    for line in group.lines:
        refused = heard.refusal
        if heard.answer and line.line_id in heard.answer.refused:
            said = heard.answer.refused[line.line_id]
            refused = SourceMessage(said.code, said.text)
        facts.erp[line.line_id] = ErpFact(
            source.id,
            group.instance,
            heard.outcome,
            told.get(line.line_id),
            refused,
            heard.answer.credit if heard.answer else "notChecked",
        )


def _note_plan(facts: Facts, plan: Plan, line_ids: frozenset[str], heard: Heard[Scenario] | None) -> None:
    source = _scheduler_source(_next_id(facts), plan.instance, heard)
    facts.sources.append(source)
    told = {}
    if heard and heard.answer:
        told = {line.line_id: line for line in heard.answer.lines}
        expiry = heard.answer.expires_at
        facts.plans_expire_at = min(facts.plans_expire_at or expiry, expiry)
        facts.anybody_answered = True
    for line_id in line_ids:
        facts.plan[line_id] = PlanFact(source.id, plan.instance, source.outcome, plan.plant, told.get(line_id))


def _next_id(facts: Facts) -> str:
    return f"s{len(facts.sources) + 1}"


def _erp_source(ident: str, instance: str, heard: Heard[Simulation]) -> Source:
    """SAP states no as-of time: the answer is as old as its reading."""
    if heard.answer is None:
        return Source(ident, "erp", instance, ERP_API, heard.outcome)
    at = heard.answer.fetched_at
    return Source(ident, "erp", instance, ERP_API, "ok", at, at, "inferred")


def _scheduler_source(ident: str, instance: str, heard: Heard[Scenario] | None) -> Source:
    """None: not asked, because what it would be asked for is itself unknown."""
    if heard is None:
        return Source(ident, "scheduler", instance, SCHEDULER_API, "skipped")
    if heard.answer is None:
        return Source(ident, "scheduler", instance, SCHEDULER_API, heard.outcome)
    return Source(ident, "scheduler", instance, SCHEDULER_API, "ok", heard.at, heard.answer.as_of, "stated")
