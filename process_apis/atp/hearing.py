"""What the neighbours said, as facts about lines: each with the source it comes from. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from process_apis.atp.facts import Asked, ErpFact, ErpLine, Estimate, PlanFact
from process_apis.atp.inquiries import Heard
from process_apis.atp.ladder import Climbed
from process_apis.atp.own_order import OwnOrder
from process_apis.atp.shared_reads import Found
from process_apis.atp.sources import SourceBook, erp_source, reading, scheduler_source
from process_apis.atp.supply import Level, Need, from_plan, from_simulation, from_takings, take
from process_apis.atp.units import Conversion
from process_apis.calendars import day_at
from process_apis.exceptions import SourceMessage
from process_apis.landscape import Plant
from process_apis.provenance import Rung
from process_apis.ways import Way
from system_apis.errors import SystemRefused, UpstreamError
from system_apis.sap.goods import Levels, Master, Place, Stock
from system_apis.sap.models import Simulation
from system_apis.sap.units import STANDARD, Units
from system_apis.scheduler.models import PlannedLine, Scenario


@dataclass(frozen=True, slots=True)
class Ground:
    """What facts stand on: the plants with their days, the customer they deliver to, what is known of units, and the
    order that is about to be changed, where it lives in the ERP that is asked."""

    plants: Mapping[str, Plant]
    ship_to: str
    masters: Heard[Master]
    today_at: Callable[[Plant], date]
    units: Units = STANDARD
    order: OwnOrder | None = None
    _ways: dict[str, Way] = field(default_factory=dict)

    def way(self, plant: str) -> Way:
        """Made once for all lines: a check sees one day, even at midnight."""
        made = self._ways.get(plant)
        if made is None:
            made = Way(self.plants[plant].calendar, self.ship_to, self.today_at(self.plants[plant]))
            self._ways[plant] = made
        return made

    def master(self, asked: Asked) -> Master | None:
        found = self.masters.get(Place(asked.material, asked.plant))
        return found.value if found and isinstance(found.value, Master) else None

    def conversion(self, asked: Asked) -> Conversion | None:
        """From the line's unit to the material's base unit; None if the material is unknown or not kept in the unit."""
        master = self.master(asked)
        if master is None:
            return None
        base = master.product.base_unit
        if asked.unit == base:
            return Conversion(base, base, Decimal(1), Decimal(1), self.units)
        ratio = next((one for one in master.product.ratios if one.unit == asked.unit), None)
        return Conversion(asked.unit, base, ratio.numerator, ratio.denominator, self.units) if ratio else None

    def conversion_to(self, asked: Asked, unit: str) -> Conversion | None:
        """From the line's unit to the one that an answer is in."""
        if asked.unit == unit:
            return Conversion(unit, unit, Decimal(1), Decimal(1), self.units)
        known = self.conversion(asked)
        return known if known and known.base_unit == unit else None


def erp_facts(
    instance: str, climbed: Climbed, lines: Sequence[Asked], ground: Ground, book: SourceBook
) -> dict[str, ErpFact]:
    """What the ERP said of each line. Failed rungs are named as sources too."""
    book.note(climbed.gaps)
    if climbed.simulation is not None:
        return _of_simulation(instance, climbed.simulation, lines, ground, book)
    return _of_places(instance, climbed, lines, ground, book)


def _of_simulation(
    instance: str, found: Found[Simulation], lines: Sequence[Asked], ground: Ground, book: SourceBook
) -> dict[str, ErpFact]:
    how = reading(found)
    source = book.id_of(erp_source(instance, "simulation", how))
    told = {line.line_id: line for line in found.value.lines} if found.value else {}
    facts = {}
    for place, asked in enumerate(lines):
        line = told.get(str(place))
        said = None
        if line is not None:
            arrivals = from_simulation(asked, line.confirmations, ground.way(asked.plant))
            said = ErpLine(line.material, line.plant, line.unit, arrivals)
        facts[asked.line_id] = ErpFact(
            source,
            instance,
            how.outcome,
            said,
            _refusal(found, str(place)),
            found.value.credit if found.value else "notChecked",
            live=not how.kept,
        )
    return facts


def _refusal(found: Found[Simulation], place: str) -> SourceMessage | None:
    """Why the ERP would not take the line, or the whole."""
    if found.value is not None:
        said = found.value.refused.get(place)
        return SourceMessage(said.code, said.text) if said else None
    return _no(found.failure)


def _of_places(
    instance: str, climbed: Climbed, lines: Sequence[Asked], ground: Ground, book: SourceBook
) -> dict[str, ErpFact]:
    levels = {
        place: told for place, one in (climbed.places or {}).items() if (told := _levels(place, one.value, ground))
    }
    taken = _taken(lines, levels, ground)
    facts = {}
    for asked in lines:
        place = Place(asked.material, asked.plant)
        found = (climbed.places or {})[place]
        how = reading(climbed.first if isinstance(found.value, SystemRefused) else found)
        facts[asked.line_id] = ErpFact(
            book.id_of(erp_source(instance, climbed.rung, how)),
            instance,
            how.outcome,
            taken.get(asked.line_id),
            _no(found.value if isinstance(found.value, SystemRefused) else found.failure),
            rung=climbed.rung,
            live=not how.kept,
            withheld=ground.order is not None and place in ground.order.holds,
        )
    return facts


class _Shelf(NamedTuple):
    unit: str
    levels: tuple[Level, ...]


def _levels(place: Place, said: Levels | Stock | UpstreamError | None, ground: Ground) -> _Shelf | None:
    plant = ground.plants[place.plant]
    if isinstance(said, Stock):
        return _Shelf(said.unit, (Level(ground.today_at(plant), said.quantity),))
    if isinstance(said, Levels):
        units = {period.unit for period in said.periods}
        levels = tuple(Level(day_at(one.since, plant.time_zone), one.available) for one in said.periods)
        return _Shelf(units.pop() if len(units) == 1 else "", levels)
    return None


def _taken(lines: Sequence[Asked], shelves: Mapping[Place, _Shelf], ground: Ground) -> dict[str, ErpLine]:
    """What lines take, in their order, of what is free at each plant."""
    found: dict[str, ErpLine] = {}
    for plant in dict.fromkeys(line.plant for line in lines):
        way, needs, units = ground.way(plant), [], {}
        for asked in (line for line in lines if line.plant == plant):
            place = Place(asked.material, plant)
            if place not in shelves:
                continue
            unit = shelves[place].unit
            conversion = ground.conversion_to(asked, unit)
            if conversion is None:
                found[asked.line_id] = ErpLine(asked.material, plant, unit, ())
                continue
            units[asked.line_id] = (asked, conversion)
            needs.append(Need(asked.line_id, place, conversion.to_base(asked.quantity), way.material_day(asked.due)))
        levels = {place: shelf.levels for place, shelf in shelves.items()}
        for line_id, takings in take(levels, needs, way.today).items():
            asked, conversion = units[line_id]
            arrivals = from_takings(asked, takings, conversion, way)
            found[line_id] = ErpLine(asked.material, plant, asked.unit, arrivals)
    return found


def _no(failure: object) -> SourceMessage | None:
    if isinstance(failure, SystemRefused) and failure.final:
        return SourceMessage(failure.code, failure.message)
    return None


def plan_fact(
    asked: Asked, found: Found[Scenario] | None, planned: PlannedLine | None, ground: Ground, source: str
) -> PlanFact:
    """What the scheduler said of a line; None was not asked, because what to ask it for is unknown."""
    instance = ground.plants[asked.plant].scheduler or ""
    if found is None:
        return PlanFact(source, instance, "skipped", asked.plant, asked.material)
    if found.value is None or planned is None:
        return PlanFact(source, instance, found.outcome, asked.plant, asked.material)
    conversion = ground.conversion_to(asked, planned.unit)
    arrivals = None if conversion is None else from_plan(asked, planned.pieces, conversion, ground.way(asked.plant))
    return PlanFact(
        source,
        instance,
        "ok",
        asked.plant,
        asked.material,
        planned.unit,
        arrivals,
        planned.work_centre,
        live=not found.kept,
        withheld=arrivals is not None and ground.order is not None and asked.plant in ground.order.kept,
    )


def plan_source(instance: str, found: Found[Scenario] | None, book: SourceBook) -> str:
    return book.id_of(scheduler_source(instance, found))


def estimate(instance: str, asked: Asked, ground: Ground, book: SourceBook) -> Estimate | None:
    """When the material could be replenished, where its master data says how long that takes."""
    master = ground.master(asked)
    if master is None or master.there.deleted or master.there.replenishment_days <= 0:
        return None
    way = ground.way(asked.plant)
    there = way.after_working_days(master.there.replenishment_days)
    return Estimate(_master_source(instance, asked, ground, book), asked.plant, *way.leaving(there, asked.due))


def note_conversion(instance: str, asked: Asked, ground: Ground, book: SourceBook) -> Conversion | None:
    """The fraction that a line's answer rests on, and its source; None where nothing is converted."""
    conversion = ground.conversion(asked)
    if conversion is None or not conversion.changes:
        return None
    _master_source(instance, asked, ground, book)
    return conversion


def note_missing_master(instance: str, asked: Asked, ground: Ground, book: SourceBook) -> None:
    """A line is short, and nobody could say whether and when more can be had."""
    found = ground.masters[Place(asked.material, asked.plant)]
    if found.value is None:
        book.id_of(erp_source(instance, "masterData", reading(found)))


def _master_source(instance: str, asked: Asked, ground: Ground, book: SourceBook) -> str:
    rung: Rung = "masterData"
    return book.id_of(erp_source(instance, rung, reading(ground.masters[Place(asked.material, asked.plant)])))
