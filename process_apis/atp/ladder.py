"""The ERP is asked by the best interface that serves: rung by rung, until one has an answer (docs/promising.md §2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from process_apis.atp.facts import Asked
from process_apis.atp.inquiries import AskedSimulation, Heard, Inquiries
from process_apis.atp.models import Purpose
from process_apis.atp.own_order import OwnOrder
from process_apis.atp.shared_reads import Found, Freshness
from process_apis.atp.sources import erp_source, reading
from process_apis.landscape import Landscape
from process_apis.provenance import Rung, Source
from system_apis.deadline import Deadline
from system_apis.errors import (
    CredentialsRefused,
    NotAllowed,
    NotFoundInSystem,
    SystemRefused,
    SystemUnavailable,
    UpstreamError,
)
from system_apis.sap.client import SapErp
from system_apis.sap.goods import Levels, Place, Stock
from system_apis.sap.models import Demand, SalesArea, Simulation

RUNGS: dict[Purpose, tuple[Rung, ...]] = {
    "browse": ("availability", "simulation", "stock"),
    "quote": ("simulation", "availability", "stock"),
    "order": ("simulation", "availability"),
    "orderChange": ("simulation", "availability"),
}
NOT_FOR_US = (CredentialsRefused, NotAllowed, NotFoundInSystem)
"""How an ERP says that it does not have a service, or not for us."""


class Errand(NamedTuple):
    """What all questions of one check have in common."""

    sold_to: str
    area: SalesArea
    purpose: Purpose
    fresh: Freshness
    deadline: Deadline
    landscape: Landscape
    inquiries: Inquiries
    ship_to: str = ""
    order: OwnOrder | None = None

    def order_in(self, instance: str) -> OwnOrder | None:
        """The order that the check is about, if it lives in this ERP."""
        return self.order if self.order and self.order.instance == instance else None


class Climbed(NamedTuple):
    """The rung that answered with what it said: `simulation`, or `places` for the other two. If none did, the last one
    that was tried. `gaps` are rungs that failed before it."""

    rung: Rung
    simulation: Found[Simulation] | None = None
    places: Heard[Levels] | Heard[Stock] | None = None
    gaps: tuple[Source, ...] = ()

    @property
    def first(self) -> Found[Simulation] | Found[Levels] | Found[Stock]:
        """The answer that speaks for the rung: any that came, else the first failure."""
        if self.simulation is not None:
            return self.simulation
        found: list[Found[Any]] = list((self.places or {}).values())
        return next((one for one in found if one.value is not None), found[0])

    @property
    def answered(self) -> bool:
        """A clear no is an answer; a service that is not there is none."""
        one = self.first
        return one.value is not None or (isinstance(one.failure, SystemRefused) and not _goes_on(one.failure))


async def climb(instance: str, lines: Sequence[Asked], errand: Errand) -> Climbed:
    """Ask rung by rung. What the ERP does not offer us is remembered once another rung has answered: it is well."""
    erp, inquiries = errand.landscape.erps[instance], errand.inquiries
    wanted = RUNGS[errand.purpose]
    if errand.order_in(instance):  # only a simulation can give back what an order holds
        wanted = tuple(sorted(wanted, key=lambda rung: rung != "simulation"))
    rungs = [rung for rung in wanted if inquiries.offers(erp.instance, rung)] or list(wanted)
    gaps: list[Source] = []
    closed: list[Rung] = []
    for rung in rungs:
        climbed = await _ask(erp, rung, lines, errand)
        failure = climbed.first.failure
        if climbed.answered:
            for one in closed:
                inquiries.not_offered(erp.instance, one)
            return climbed._replace(gaps=tuple(gaps))
        if isinstance(failure, NOT_FOR_US) and not climbed.first.alone:
            closed.append(rung)
        if rung == rungs[-1] or climbed.first.late or _out_of_reach(failure):
            break
        gaps.append(erp_source(instance, rung, reading(climbed.first)))
    return climbed._replace(gaps=tuple(gaps))


async def _ask(erp: SapErp, rung: Rung, lines: Sequence[Asked], errand: Errand) -> Climbed:
    inquiries = errand.inquiries
    if rung == "simulation":
        demands = tuple(
            Demand(str(place), one.material, one.quantity, one.unit, one.due, one.plant)
            for place, one in enumerate(lines)
        )
        ship_to = errand.ship_to if errand.ship_to != errand.sold_to else None
        own = errand.order_in(erp.instance)
        demands, number = ((*own.others, *demands), own.number) if own else (demands, None)
        asked = AskedSimulation(erp.instance, errand.sold_to, errand.area, demands, ship_to, number)
        return Climbed(rung, await inquiries.simulation(erp, asked, errand.deadline, errand.fresh))
    places = [Place(one.material, one.plant) for one in lines]
    if rung == "availability":
        return Climbed(rung, places=await inquiries.levels(erp, places, errand.deadline, errand.fresh))
    return Climbed(rung, places=await inquiries.stocks(erp, places, errand.deadline, errand.fresh))


def _out_of_reach(failure: UpstreamError | None) -> bool:
    """Nobody is there: the next rung would lead to the same door. A breaker is of one operation only."""
    return isinstance(failure, SystemUnavailable) and not failure.sent and failure.held_by != "breaker"


def _goes_on(failure: UpstreamError) -> bool:
    return isinstance(failure, NOT_FOR_US) or failure.safe_to_repeat
