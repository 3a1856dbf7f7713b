"""One ERP instance and the schedulers of its plants are asked about some lines, and what they said becomes cases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from process_apis.atp.facts import ZERO, Asked, ErpFact, Estimate, LinePromise, PlanFact, Terms, There
from process_apis.atp.hearing import Ground, erp_facts, estimate, note_conversion, note_missing_master
from process_apis.atp.inquiries import Heard
from process_apis.atp.ladder import Climbed, Errand, climb
from process_apis.atp.models import Mode
from process_apis.atp.planning import Planned, ask_plans, not_asked, plan_facts
from process_apis.atp.rules import promise_line, shortfall
from process_apis.atp.shared_reads import Found
from process_apis.atp.sources import SourceBook
from process_apis.atp.units import Conversion
from process_apis.landscape import Landscape, Plant
from system_apis.sap.goods import Master, Place

MASTER_GRACE_S = 0.5
"""How long master data is waited for, once the ERP has promised (`ctp`: from the beginning)."""


class Hearing(NamedTuple):
    """How a check asks: whom, for what, and what its caller accepts."""

    mode: Mode
    terms: Terms
    errand: Errand

    @property
    def landscape(self) -> Landscape:
        return self.errand.landscape


class Served(NamedTuple):
    """What a line of the check gets already, of the material that it gets; `planned` of it by a scheduler."""

    asked: Asked
    planned: Decimal


class Case(NamedTuple):
    """All that was said of one line."""

    asked: Asked
    erp: ErpFact
    plan: PlanFact | None
    estimate: Estimate | None
    conversion: Conversion | None

    def promise(self, asked: Asked, terms: Terms, elsewhere: Sequence[There] = ()) -> LinePromise:
        """`asked` is the line as its caller asked it; the case may be of a substitute."""
        return promise_line(
            asked,
            self.erp,
            self.plan,
            terms=terms,
            estimate=self.estimate,
            elsewhere=elsewhere,
            conversion=self.conversion,
        )


class Told(NamedTuple):
    """What the ERP said of each line, with sources named in a book of its own."""

    facts: Mapping[str, ErpFact]
    book: SourceBook


@dataclass(frozen=True, slots=True)
class Group:
    """What one ERP instance and the schedulers of its plants said about some lines. Those `beside` were asked along,
    because they take of the same; nothing is told of them."""

    instance: str
    lines: Sequence[Asked]
    climbed: Climbed
    plans: Sequence[Planned]
    ground: Ground
    beside: frozenset[str] = frozenset()
    told: Told | None = None

    @property
    def answered(self) -> bool:
        return self.climbed.answered or any(one.found and one.found.value for one in self.plans)

    @property
    def plans_expire_at(self) -> datetime | None:
        """Until when the plans answered as they did."""
        ends = [one.found.value.expires_at for one in self.plans if one.found and one.found.value]
        return min(ends, default=None)

    def cases(self, book: SourceBook) -> list[Case]:
        """The lines with what was said of each, every source noted in the book."""
        erp = self._erp(book)
        plans = plan_facts(self.plans, self.ground, book)
        return [
            self._case(asked, erp[asked.line_id], plans.get(asked.line_id), book)
            for asked in self.lines
            if asked.line_id not in self.beside
        ]

    def _erp(self, book: SourceBook) -> Mapping[str, ErpFact]:
        if self.told is None:
            return erp_facts(self.instance, self.climbed, self.lines, self.ground, book)
        names = book.adopt(self.told.book)
        if all(old == new for old, new in names.items()):
            return self.told.facts
        return {line_id: replace(fact, source=names[fact.source]) for line_id, fact in self.told.facts.items()}

    def _case(self, asked: Asked, erp: ErpFact, plan: PlanFact | None, book: SourceBook) -> Case:
        conversion = guess = None
        if erp.line is not None:
            conversion = note_conversion(self.instance, asked, self.ground, book)
            if plan is None and shortfall(asked, erp.line) > ZERO:
                guess = estimate(self.instance, asked, self.ground, book)
                note_missing_master(self.instance, asked, self.ground, book)
            elif erp.line.unit != asked.unit:
                note_missing_master(self.instance, asked, self.ground, book)
        return Case(asked, erp, plan, guess, conversion)


async def ask_group(instance: str, lines: Sequence[Asked], hearing: Hearing, beside: Sequence[Served] = ()) -> Group:
    """`ctp`: ERP and schedulers at once, for everything. Otherwise the ERP first, and the plan for what it lacks.

    The lines `beside` are asked along, before the others.
    """
    lines = (*(one.asked for one in beside), *lines)
    async with asyncio.TaskGroup() as both:
        climbing = both.create_task(climb(instance, lines, hearing.errand))
        masters = await _masters(both, climbing, instance, lines, hearing)
        own, plants = hearing.errand.order_in(instance), hearing.landscape.plants
        ground = Ground(plants, hearing.errand.ship_to, masters, _today, hearing.landscape.units, own)
        everything = {line.line_id: line.quantity for line in lines} if hearing.mode == "ctp" else {}
        plans = await ask_plans(everything, lines, ground, hearing.errand)
    climbed, told = climbing.result(), None
    if hearing.mode == "atpThenCtp":
        heard = SourceBook()
        told = Told(erp_facts(instance, climbed, lines, ground, heard), heard)
        plans = await _plans_for_the_rest(told.facts, lines, beside, ground, hearing)
    aside = frozenset(one.asked.line_id for one in beside)
    return Group(instance, lines, climbed, plans, ground, aside, told)


async def _plans_for_the_rest(
    facts: Mapping[str, ErpFact], lines: Sequence[Asked], beside: Sequence[Served], ground: Ground, hearing: Hearing
) -> list[Planned]:
    """Where the ERP is silent nobody knows what to ask a scheduler for; where it refuses there is nothing to ask. What
    the lines `beside` were given of a plan is taken first, for whatever reason they were given it."""
    lacking, silent = what_is_lacking(facts, lines)
    for given, planned in beside:
        lacking[given.line_id] = max(lacking[given.line_id], planned)
    asked = await ask_plans(lacking, lines, ground, hearing.errand)
    return [*asked, *not_asked(silent, ground)]


def what_is_lacking(facts: Mapping[str, ErpFact], lines: Sequence[Asked]) -> tuple[dict[str, Decimal], list[Asked]]:
    """What the schedulers are asked for, by line, and the lines of which the ERP said nothing."""
    silent = [line for line in lines if (fact := facts[line.line_id]).line is None and fact.refused is None]
    return {line.line_id: shortfall(line, facts[line.line_id].line) for line in lines}, silent


async def _masters(
    tasks: asyncio.TaskGroup, climbing: asyncio.Task[Climbed], instance: str, lines: Iterable[Asked], hearing: Hearing
) -> Heard[Master]:
    """Units and lead times. Most lines do without them: they keep nobody waiting much longer than the promise itself,
    and the schedulers, who are asked by them, not from being asked at all."""
    places, errand = [Place(line.material, line.plant) for line in lines], hearing.errand
    reading = tasks.create_task(errand.inquiries.masters(hearing.landscape.erps[instance], places, errand.deadline))
    if hearing.mode != "ctp":
        await asyncio.wait({climbing})
    await asyncio.wait({reading}, timeout=min(MASTER_GRACE_S, errand.deadline.remaining_s / 2))
    if reading.done():
        return reading.result()
    reading.cancel()
    return dict.fromkeys(places, Found(None, late=True))


def _today(plant: Plant) -> date:
    return datetime.now(plant.time_zone).date()
