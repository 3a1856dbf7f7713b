"""A small world whose neighbours really run out of things: plants with stock that is taken and work centres that are
loaded, behind the ports of ERP and scheduler. Every question finds all of it free, for nothing is ever reserved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from process_apis.landscape import Landscape, Plant
from process_apis.reference_maps import ReferenceMaps, Substitute
from system_apis.errors import NotAllowed, SystemRefused, UpstreamError
from system_apis.sap.goods import AvailablePeriod, Levels, Master, Place, PlantData, Product, Stock, UnitRatio
from system_apis.sap.models import Confirmation, Demand, SalesArea, SimulatedLine, Simulation, SourceMessage
from system_apis.scheduler.models import PlannedLine, PlannedPiece, Requirement, Scenario

AREA, ZONE = SalesArea("1710", "10", "00"), ZoneInfo("UTC")
ZERO = Decimal(0)
BASES = {"A": "C62", "B": "KGM", "C": "C62", "D": "LTR"}
IN_CARTONS = {"A": 12, "C": 5}
PLANTS = ("P1", "P2", "P3")
ERP_OF = {"P1": "s4-a", "P2": "s4-a", "P3": "s4-b"}


def today() -> date:
    return datetime.now(UTC).date()


def a_day(chance: Random, last: int) -> date:
    """Not before tomorrow: a test that runs over midnight must not find a day gone."""
    return today() + timedelta(days=chance.randint(2, last))


@dataclass
class Town:
    """`stock` lies there, `receipts` come, `centres` make so much a day of whatever is `made` there, in base units."""

    rung: str
    stock: dict[Place, Decimal]
    receipts: dict[Place, list[tuple[date, Decimal]]]
    made: dict[Place, str]
    centres: dict[str, Decimal]
    substitutes: dict[str, str]
    closed: set[Place] = field(default_factory=set)
    refused: set[Place] = field(default_factory=set)
    last: int = 20

    @property
    def days(self) -> list[date]:
        return [today() + timedelta(days=days) for days in range(2, self.last)]

    def landscape(self) -> Landscape:
        plants = {name: Plant(name, f"plant {name}", ZONE, ERP_OF[name], f"aps-{name}") for name in PLANTS}
        references = ReferenceMaps.of(substitutes=[Substitute(one, by) for one, by in self.substitutes.items()])
        erps: dict[str, Any] = {name: Erp(name, self) for name in set(ERP_OF.values())}
        floors: dict[str, Any] = {f"aps-{name}": Floor(f"aps-{name}", self) for name in PLANTS}
        return Landscape(erps, None, floors, plants, "P1", AREA, references)  # type: ignore[arg-type]

    def supply(self, place: Place) -> Decimal:
        return self.stock.get(place, ZERO) + sum((much for _, much in self.receipts.get(place, [])), ZERO)


def town(chance: Random) -> Town:
    places = [Place(material, plant) for material in BASES for plant in PLANTS]
    return Town(
        rung=chance.choice(["simulation", "availability"]),
        stock={place: Decimal(chance.randint(0, 40)) for place in places if chance.random() < 0.6},
        receipts={
            place: [(a_day(chance, 15), Decimal(chance.randint(1, 30)))] for place in places if chance.random() < 0.4
        },
        made={place: f"{place.plant}-{chance.choice('12')}" for place in places if chance.random() < 0.7},
        centres={f"{plant}-{which}": Decimal(chance.randint(0, 6)) for plant in PLANTS for which in "12"},
        substitutes={one: by for one, by in zip("ABCD", "BCDA", strict=True) if chance.random() < 0.3},
        closed={place for place in places if chance.random() < 0.04},
        refused={place for place in places if chance.random() < 0.04},
    )


class Erp:
    """Both interfaces of one ERP, of the same stock."""

    def __init__(self, instance: str, town: Town) -> None:
        self.instance, self.town = instance, town

    async def simulate(self, sold_to: str, area: SalesArea, lines: Sequence[Demand], **_: Any) -> Simulation:
        if self.town.rung != "simulation":
            raise NotAllowed("sap", self.instance, "simulate", "NO", "not for you", 403)
        left: dict[Place, list[list[Any]]] = {}
        told, refused = [], {}
        for line in lines:
            place = Place(line.material, line.plant or "P1")
            per = per_unit(line.material, line.unit)
            if place in self.town.refused or per is None:
                refused[line.line_id] = SourceMessage("V1/028", "not sold any more")
                continue
            free = left.setdefault(place, self._supply(place))
            confirmed = []
            wanted = line.quantity
            for piece in free:
                part = min(wanted, Decimal(int(piece[1] / per)))
                if part > 0:
                    piece[1] -= part * per
                    wanted -= part
                    day = max(piece[0], line.requested_date)
                    confirmed.append(Confirmation(line.requested_date, day, ZERO, part))
            told.append(
                SimulatedLine(
                    line.line_id, line.material, place.plant, line.quantity, line.unit, ZERO, ZERO, tuple(confirmed)
                )
            )
        return Simulation(tuple(told), refused, ZERO, ZERO, "USD", "ok", (), datetime.now(UTC))

    async def levels(self, places: Sequence[Place], **_: Any) -> dict[Place, Levels | UpstreamError]:
        return {place: self._levels(place) for place in places}

    async def stocks(self, places: Sequence[Place], **_: Any) -> dict[Place, Stock | UpstreamError]:
        return {place: NotAllowed("sap", self.instance, "stocks", "NO", "not for you", 403) for place in places}

    async def masters(self, places: Sequence[Place], **_: Any) -> dict[Place, Master | UpstreamError]:
        return {place: _master(place) for place in places}

    def _levels(self, place: Place) -> Levels | UpstreamError:
        if place in self.town.closed:
            return NotAllowed("sap", self.instance, "levels", "NO", "not this plant", 403)
        if place in self.town.refused:
            return SystemRefused("sap", self.instance, "levels", "M3/305", "does not exist", 404)
        free, periods = ZERO, []
        for day, much in self._supply(place):
            free += much
            periods.append(
                AvailablePeriod(datetime(day.year, day.month, day.day, tzinfo=UTC), None, free, BASES[place.material])
            )
        return Levels(tuple(periods), datetime.now(UTC))

    def _supply(self, place: Place) -> list[list[Any]]:
        return [[today(), self.town.stock.get(place, ZERO)], *map(list, self.town.receipts.get(place, []))]


class Floor:
    """The scheduler of one plant. It plans in base units only, and refuses the whole for one line in another."""

    def __init__(self, instance: str, town: Town) -> None:
        self.instance, self.town = instance, town

    async def simulate(self, plant: str, requirements: Sequence[Requirement], **_: Any) -> Scenario:
        if any(need.unit != BASES[need.material] for need in requirements):
            raise SystemRefused("scheduler", self.instance, "simulate", "unitInvalid", "not in that unit", 422)
        load: dict[tuple[str, date], Decimal] = {}
        lines = tuple(self._planned(plant, need, load) for need in requirements)
        now = datetime.now(UTC)
        return Scenario("x", plant, "1", today(), now, now + timedelta(minutes=15), lines)

    async def discard(self, scenario_id: str, **_: Any) -> None:
        """It never took up any room."""

    def _planned(self, plant: str, need: Requirement, load: dict[tuple[str, date], Decimal]) -> PlannedLine:
        centre, left, pieces = self.town.made.get(Place(need.material, plant)), need.quantity, []
        for day in self.town.days if centre else []:
            part = min(left, self.town.centres[centre or ""] - load.get((centre or "", day), ZERO))
            if part > 0:
                load[centre or "", day] = load.get((centre or "", day), ZERO) + part
                pieces.append(PlannedPiece(part, day))
                left -= part
        return PlannedLine(need.line_id, need.material, need.unit, tuple(pieces), left, centre)


def per_unit(material: str, unit: str) -> Decimal | None:
    """Base units in one of another."""
    if unit == BASES[material]:
        return Decimal(1)
    return Decimal(IN_CARTONS[material]) if unit == "CT" and material in IN_CARTONS else None


def _master(place: Place) -> Master:
    base, cartons = BASES[place.material], IN_CARTONS.get(place.material)
    ratios = (UnitRatio("CT", Decimal(cartons), Decimal(1)),) if cartons else ()
    there = PlantData(place.material, place.plant, base, True, True, "", False, 5, 0, ZERO, "02")
    return Master(Product(place.material, base, ratios, "", False, False), there, datetime.now(UTC))


def a_line(chance: Random, line_id: str) -> dict[str, Any]:
    material = chance.choice(list(BASES))
    unit = "CT" if chance.random() < 0.2 else BASES[material]
    return {
        "lineId": line_id,
        "product": {"id": material},
        "quantity": {"value": str(chance.randint(1, 4 if unit == "CT" else 45)), "unit": unit},
        "requestedDate": a_day(chance, 15).isoformat(),
        "plant": chance.choice(PLANTS),
    }


def a_request(chance: Random) -> dict[str, Any]:
    return {
        "soldTo": {"id": "17100001"},
        "purpose": chance.choice(["quote", "browse", "order"]),
        "mode": chance.choice(["atp", "ctp", "atpThenCtp", "atpThenCtp"]),
        "confirmationRule": chance.choice(["proposal", "proposal", "complete", "oneTime"]),
        "allow": {
            "substitutes": chance.random() < 0.6,
            "alternativePlants": chance.random() < 0.6,
            "splitDates": chance.random() < 0.7,
        },
        "lines": [a_line(chance, str(number)) for number in range(chance.randint(1, 7))],
    }
