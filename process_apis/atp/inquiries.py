"""What is asked of the neighbours for promises, shared by all clients of this process; lives as long as it does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from msgspec import Struct

from process_apis.atp.shared_reads import Found, Freshness, SharedReads
from process_apis.provenance import Rung
from system_apis.deadline import Deadline
from system_apis.errors import SystemRefused, UpstreamError
from system_apis.sap.client import SapErp
from system_apis.sap.goods import Customer, Levels, Master, Place, Stock
from system_apis.sap.models import Demand, SalesArea, Simulation
from system_apis.scheduler.models import Requirement, Scenario
from system_apis.scheduler.port import Scheduler

BROWSE_KEPT_S = 30.0
"""How old an answer to `browse` may be at most."""
MASTER_KEPT_S = 600.0
PROBE_AGAIN_S = 600.0
"""How long a rung that an ERP does not offer is left alone."""
DISCARD_S = 2.0
log = logging.getLogger("ordergate.promises")


class AskedSimulation(Struct, frozen=True, cache_hash=True):
    """Everything that the answer to a simulation depends on. Lines are numbered from 0, whatever callers call them.

    It is looked up a dozen times while it is under way, and has a hundred lines: it is hashed once.
    """

    instance: str
    sold_to: str
    area: SalesArea
    demands: tuple[Demand, ...]
    ship_to: str | None = None
    order: str | None = None


class AskedScenario(Struct, frozen=True, cache_hash=True):
    """Everything that the answer of a scheduler depends on; hashed once."""

    instance: str
    plant: str
    needs: tuple[Requirement, ...]
    order: str | None = None


class AskedCustomer(NamedTuple):
    """A customer as an ERP sells to it."""

    instance: str
    number: str
    area: SalesArea


V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
Heard = dict[Place, Found[V | UpstreamError]]
"""By place: what was said of it, be it a clear no, or why nothing was heard."""


class _Read(Protocol[V_co]):
    async def __call__(
        self, places: Sequence[Place], *, deadline: Deadline
    ) -> Mapping[Place, V_co | UpstreamError]: ...


class Inquiries:
    """Equal questions under way are one question; a rung that an ERP does not offer is remembered; scenarios are
    discarded behind the answer's back."""

    def __init__(self) -> None:
        self._simulations: SharedReads[AskedSimulation, Simulation] = SharedReads(BROWSE_KEPT_S)
        self._levels: SharedReads[tuple[str, Place], Levels | UpstreamError] = SharedReads(BROWSE_KEPT_S)
        self._stocks: SharedReads[tuple[str, Place], Stock | UpstreamError] = SharedReads(BROWSE_KEPT_S)
        self._masters: SharedReads[tuple[str, Place], Master | UpstreamError] = SharedReads(MASTER_KEPT_S)
        self._scenarios: SharedReads[AskedScenario, Scenario] = SharedReads(BROWSE_KEPT_S)
        self._customers: SharedReads[AskedCustomer, Customer | SystemRefused] = SharedReads(MASTER_KEPT_S)
        self._closed_until: dict[tuple[str, Rung], float] = {}
        self._discarding: set[asyncio.Task[None]] = set()

    def offers(self, instance: str, rung: Rung) -> bool:
        """Whether an ERP may be asked by this rung, as far as is known."""
        return self._closed_until.get((instance, rung), 0.0) <= time.monotonic()

    def not_offered(self, instance: str, rung: Rung) -> None:
        log.warning("%s offers no %s to us: not asked again for %.0f s", instance, rung, PROBE_AGAIN_S)
        self._closed_until[instance, rung] = time.monotonic() + PROBE_AGAIN_S

    async def simulation(
        self, erp: SapErp, asked: AskedSimulation, deadline: Deadline, fresh: Freshness
    ) -> Found[Simulation]:
        async def ask(_: Sequence[AskedSimulation], until: Deadline) -> Mapping[AskedSimulation, Simulation]:
            answer = await erp.simulate(
                asked.sold_to, asked.area, asked.demands, deadline=until, order=asked.order, ship_to=asked.ship_to
            )
            return {asked: answer}

        return (await self._simulations.fetch([asked], ask, deadline, fresh))[asked]

    async def levels(self, erp: SapErp, places: Iterable[Place], deadline: Deadline, fresh: Freshness) -> Heard[Levels]:
        return await _at_places(self._levels, (erp.instance, erp.levels), places, deadline, fresh)

    async def stocks(self, erp: SapErp, places: Iterable[Place], deadline: Deadline, fresh: Freshness) -> Heard[Stock]:
        return await _at_places(self._stocks, (erp.instance, erp.stocks), places, deadline, fresh)

    async def masters(self, erp: SapErp, places: Iterable[Place], deadline: Deadline) -> Heard[Master]:
        """Units and lead times change by a project, not by a day: remembered for some minutes, whatever the purpose."""
        return await _at_places(self._masters, (erp.instance, erp.masters), places, deadline, Freshness(MASTER_KEPT_S))

    async def customer(self, erp: SapErp, asked: AskedCustomer, deadline: Deadline) -> Found[Customer | SystemRefused]:
        """A customer with its ship-to parties, or the ERP's no; remembered like other master data."""

        async def ask(_: Sequence[AskedCustomer], until: Deadline) -> Mapping[AskedCustomer, Customer | SystemRefused]:
            try:
                return {asked: await erp.customer(asked.number, asked.area, deadline=until)}
            except SystemRefused as no:
                if no.safe_to_repeat:
                    raise
                return {asked: no}

        return (await self._customers.fetch([asked], ask, deadline, Freshness(MASTER_KEPT_S)))[asked]

    async def scenario(
        self, scheduler: Scheduler, asked: AskedScenario, deadline: Deadline, fresh: Freshness
    ) -> Found[Scenario]:
        async def ask(_: Sequence[AskedScenario], until: Deadline) -> Mapping[AskedScenario, Scenario]:
            made = await scheduler.simulate(asked.plant, asked.needs, order_reference=asked.order, deadline=until)
            self._discard(scheduler, made)
            return {asked: made}

        return (await self._scenarios.fetch([asked], ask, deadline, fresh))[asked]

    async def settle(self) -> None:
        """Wait for what still goes on behind an answer's back."""
        while self._discarding:
            await asyncio.wait(set(self._discarding))

    async def aclose(self) -> None:
        for task in self._discarding:
            task.cancel()
        await self.settle()

    def _discard(self, scheduler: Scheduler, made: Scenario) -> None:
        """Nobody waits for it: the scenario reserves nothing and expires by itself, it only takes up room."""
        task = asyncio.get_running_loop().create_task(_discarded(scheduler, made.scenario_id))
        self._discarding.add(task)
        task.add_done_callback(self._discarding.discard)


async def _discarded(scheduler: Scheduler, scenario_id: str) -> None:
    try:
        await scheduler.discard(scenario_id, deadline=Deadline.after(DISCARD_S))
    except UpstreamError as failure:
        log.info("a scenario was not discarded and will expire: %s", failure)


async def _at_places(
    reads: SharedReads[tuple[str, Place], V | UpstreamError],
    source: tuple[str, _Read[V]],
    places: Iterable[Place],
    deadline: Deadline,
    fresh: Freshness,
) -> Heard[V]:
    instance, read = source

    async def ask(keys: Sequence[tuple[str, Place]], until: Deadline) -> Mapping[tuple[str, Place], V | UpstreamError]:
        answers = await read([place for _, place in keys], deadline=until)
        return {(instance, place): answer for place, answer in answers.items()}

    found = await reads.fetch([(instance, place) for place in places], ask, deadline, fresh)
    return {place: one for (_, place), one in found.items()}
