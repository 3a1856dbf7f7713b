"""A world as the product meets it: what its neighbours would have said goes through the product's own decisions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from process_apis.atp.asking import Group, what_is_lacking
from process_apis.atp.facts import Asked, LinePromise, Terms, There
from process_apis.atp.hearing import Ground, erp_facts
from process_apis.atp.ladder import Climbed
from process_apis.atp.planning import Planned, needs_of, not_asked, plans_of
from process_apis.atp.shared_reads import Found
from process_apis.atp.sources import SourceBook
from process_apis.calendars import PlantCalendar
from process_apis.landscape import Plant
from system_apis.errors import SystemRefused
from system_apis.sap.goods import AvailablePeriod, Levels, Master, Place, PlantData, Product, Stock, UnitRatio
from system_apis.sap.models import Confirmation, SimulatedLine, Simulation, SourceMessage
from system_apis.scheduler.models import PlannedLine, PlannedPiece, Requirement, Scenario
from tests.unit.process_apis.atp import worlds
from tests.unit.process_apis.atp.worlds import BASES, RATIOS, TODAY, World

ZONE = ZoneInfo("America/Los_Angeles")
READ_AT = datetime(2030, 3, 6, 18, tzinfo=UTC)
NO = SystemRefused("sap", "s4", "check", "M3/351", "not maintained", 400)
ZERO = Decimal(0)


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
    return Ground(plants, "C1", masters, lambda _: TODAY)  # type: ignore[arg-type]


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
    left = {name: [[day, quantity] for day, quantity in days] for name, days in world.capacity.items()}
    asked = [
        Planned(plan, of, _scenario(world, needs_of(plan, of, wanted, ground), left))
        for plan, of in plans_of([line for line in lines if wanted[line.line_id]], ground)
    ]
    return [*asked, *not_asked(silent, ground)]


def _scenario(world: World, needs: tuple[Requirement, ...], left: dict[str, list[list]]) -> Found[Scenario]:
    if world.scheduler == "silent" or any(need.unit != BASES[need.material] for need in needs):
        return Found(None)
    lines = tuple(_planned(world, need, left[need.material]) for need in needs)
    return Found(Scenario("x", "P1", "1", TODAY, READ_AT, READ_AT + timedelta(minutes=15), lines), kept=world.kept)


def _planned(world: World, need: Requirement, left: list[list]) -> PlannedLine:
    wanted, pieces = need.quantity, []
    for slot in left:
        part = min(wanted, slot[1])
        if part > 0:
            slot[1] -= part
            wanted -= part
            pieces.append(PlannedPiece(part, slot[0]))
    unit = "LTR" if world.scheduler == "strange" else need.unit
    return PlannedLine(need.line_id, need.material, unit, tuple(pieces), wanted, "WC-1")
