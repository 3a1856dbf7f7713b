"""A world as the product meets it: what its neighbours would have said goes through the product's own decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from process_apis.atp.asking import Group, what_is_lacking
from process_apis.atp.facts import Asked, LinePromise, Terms, There
from process_apis.atp.hearing import Ground, erp_facts
from process_apis.atp.inquiries import Inquiries
from process_apis.atp.ladder import Climbed, Errand
from process_apis.atp.own_order import OwnOrder
from process_apis.atp.planning import Planned, ask_plans, not_asked
from process_apis.atp.shared_reads import LIVE, Found
from process_apis.atp.sources import SourceBook
from process_apis.calendars import PlantCalendar
from process_apis.landscape import Landscape, Plant
from system_apis.deadline import Deadline
from system_apis.errors import SystemRefused, SystemUnavailable
from system_apis.sap.goods import AvailablePeriod, Levels, Master, Place, PlantData, Product, Stock, UnitRatio
from system_apis.sap.models import Confirmation, SalesArea, SimulatedLine, Simulation, SourceMessage
from system_apis.scheduler.models import PlannedLine, PlannedPiece, Requirement, Scenario
from tests.unit.process_apis.atp import worlds
from tests.unit.process_apis.atp.worlds import BASES, RATIOS, TODAY, World

ZONE = ZoneInfo("America/Los_Angeles")
READ_AT = datetime(2030, 3, 6, 18, tzinfo=UTC)
NO = SystemRefused("sap", "s4", "check", "M3/351", "not maintained", 400)
ZERO = Decimal(0)
AREA = SalesArea("1710", "10", "00")


def promises(world: World) -> list[LinePromise]:
    lines, plants = _lines(world, "P1"), {"P1": _plant(world, "P1", world.plant)}
    ground = _ground(world, plants, "P1")
    climbed = _climbed(world, world.plant, "P1", lines)
    group = Group("s4", lines, climbed, _plans(world, lines, climbed, ground), ground)
    elsewhere = _elsewhere(world) if world.other else {}
    terms = Terms(world.rule, world.split_dates, world.substitutes)  # type: ignore[arg-type]
    return [
        case.promise(case.asked, terms, [There(elsewhere[case.asked.line_id])] if elsewhere else [])
        for case in group.cases(SourceBook())
    ]


def _lines(world: World, plant: str) -> list[Asked]:
    return [
        Asked(str(place), one.material, one.quantity, one.unit, one.due, one.due, plant)
        for place, one in enumerate(world.lines)
    ]


def _plant(world: World, name: str, one: worlds.Plant) -> Plant:
    calendar = one.calendar and PlantCalendar(
        one.calendar.weekdays, one.calendar.holidays, one.calendar.pick_pack, one.calendar.transit
    )
    return Plant(name, f"plant {name}", ZONE, "s4", None if world.scheduler == "none" else "aps", calendar)


def _ground(world: World, plants: Mapping[str, Plant], plant: str) -> Ground:
    masters = {
        Place(material, plant): Found(_master(material, plant, world.masters[material]))
        if material in world.masters
        else Found(None, late=True)
        for material in BASES
    }
    return Ground(plants, "C1", masters, lambda _: TODAY, order=_order(world))  # type: ignore[arg-type]


def _order(world: World) -> OwnOrder | None:
    holds = frozenset(Place(material, "P1") for material in world.held)
    kept = frozenset({"P1"}) if world.plan_keeps else frozenset()
    return OwnOrder("s4", "1", (), {}, holds, kept) if holds or kept else None


def _master(material: str, plant: str, days: int) -> Master:
    ratios = tuple(UnitRatio(unit, Decimal(n), Decimal(d)) for unit, (n, d) in RATIOS[material].items())
    base = BASES[material]
    there = PlantData(material, plant, base, True, True, "", False, days, 0, ZERO, "02")
    return Master(Product(material, base, ratios, "", False, False), there, READ_AT)


def _elsewhere(world: World) -> dict:
    assert world.other is not None
    lines, plants = _lines(world, "P2"), {"P2": _plant(world, "P2", world.other)}
    climbed = _climbed(world, world.other, "P2", lines)
    return erp_facts("s4", climbed, lines, _ground(world, plants, "P2"), SourceBook())


def _climbed(world: World, plant: worlds.Plant, name: str, lines: list[Asked]) -> Climbed:
    ours = name == "P1"
    if world.rung == "simulation":
        if ours and world.silent:
            return Climbed("simulation", Found(None, late=True))
        return Climbed("simulation", Found(_simulation(world, plant, name, ours=ours), kept=world.kept))
    places = {}
    for place, line in enumerate(lines):
        key = Place(line.material, name)
        if (ours and world.silent) or (line.material not in plant.levels and not (ours and place in world.refused)):
            places[key] = Found(None, late=True)
        elif ours and place in world.refused:
            places[key] = Found(NO, kept=world.kept)
        else:
            places[key] = Found(_levels(world, plant, line.material, name), kept=world.kept)
    return Climbed(world.rung, places=places)  # type: ignore[arg-type]


def _simulation(world: World, plant: worlds.Plant, name: str, *, ours: bool) -> Simulation:
    told = []
    for place, one in enumerate(world.lines):
        if not (ours and place in world.refused):
            confirmed = tuple(Confirmation(one.due, day, ZERO, amount) for day, amount in plant.confirmations[place])
            material = world.instead.get(place, one.material) if ours else one.material
            told.append(SimulatedLine(str(place), material, name, one.quantity, one.unit, ZERO, ZERO, confirmed))
    refused = {str(place): SourceMessage("V1/028", "no") for place in world.refused if ours}
    credit = "blocked" if world.credit_blocked else "ok"
    return Simulation(tuple(told), refused, ZERO, ZERO, "USD", credit, (), READ_AT)  # type: ignore[arg-type]


def _levels(world: World, plant: worlds.Plant, material: str, name: str) -> Levels | Stock:
    days = plant.levels[material]
    if world.rung == "stock":
        return Stock(material, name, days[0][1], BASES[material], READ_AT)
    periods = [AvailablePeriod(_midnight(day), None, free, BASES[material]) for day, free in days]
    return Levels(tuple(periods), READ_AT)


def _midnight(day: date) -> datetime:
    """The beginning of the plant's day: 8 hours after midnight UTC, 7 once the clocks have changed."""
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


def _plans(world: World, lines: list[Asked], climbed: Climbed, ground: Ground) -> list[Planned]:
    if world.mode == "atp":
        return []
    if world.mode == "ctp":
        wanted, silent = {line.line_id: line.quantity for line in lines}, []
    else:
        wanted, silent = what_is_lacking(erp_facts("s4", climbed, lines, ground, SourceBook()), lines)
    asked = asyncio.run(_asked(world, wanted, lines, ground))
    found = [one._replace(found=one.found and one.found._replace(kept=world.kept)) for one in asked]
    return [*found, *not_asked(silent, ground)]


async def _asked(world: World, wanted: Mapping[str, Decimal], lines: list[Asked], ground: Ground) -> list[Planned]:
    landscape = Landscape({}, None, {"aps": Floor(world)}, dict(ground.plants), "P1", AREA)  # type: ignore[arg-type, dict-item]
    inquiries = Inquiries()
    errand = Errand("C1", AREA, "quote", LIVE, Deadline.after(60), landscape, inquiries)
    try:
        return await ask_plans(wanted, lines, ground, errand)
    finally:
        await inquiries.settle()


class Floor:
    """The scheduler of a world: every question finds all of its capacity free."""

    instance = "aps"

    def __init__(self, world: World) -> None:
        self.world = world

    async def simulate(self, plant: str, requirements: Sequence[Requirement], **_: object) -> Scenario:
        if self.world.scheduler == "silent":
            raise SystemUnavailable("scheduler", "aps", "simulate")
        if any(need.unit != BASES[need.material] for need in requirements):
            raise SystemRefused("scheduler", "aps", "simulate", "unitInvalid", "not planned in that unit", 422)
        left = {name: [[day, quantity] for day, quantity in days] for name, days in self.world.capacity.items()}
        lines = tuple(self._planned(need, left[self.world.made_at[need.material]]) for need in requirements)
        return Scenario("x", plant, "1", TODAY, READ_AT, READ_AT + timedelta(minutes=15), lines)

    async def discard(self, scenario_id: str, **_: object) -> None:
        """It never took up any room."""

    def _planned(self, need: Requirement, left: list[list]) -> PlannedLine:
        wanted, pieces = need.quantity, []
        for slot in left:
            part = min(wanted, slot[1])
            if part > 0:
                slot[1] -= part
                wanted -= part
                pieces.append(PlannedPiece(part, slot[0]))
        unit = "LTR" if self.world.scheduler == "strange" else need.unit
        return PlannedLine(need.line_id, need.material, unit, tuple(pieces), wanted, "WC-1")
