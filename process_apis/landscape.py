"""The landscape: which systems there are and which of them serves a plant. Assembled once, from the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from policies.access import names_plant, require_plant
from policies.clients import Client
from process_apis.calendars import PlantCalendar, day_at
from process_apis.conversions import Rounding
from process_apis.reference_maps import ProductScheme, ReferenceMaps
from system_apis.salesforce.client import Salesforce
from system_apis.sap.client import SapErp
from system_apis.sap.models import SalesArea
from system_apis.sap.units import STANDARD, Units
from system_apis.scheduler.port import Scheduler

NO_PLANT = "default"
"""What a client that may name no plant is refused, whichever plant there is."""


@dataclass(frozen=True, slots=True)
class Plant:
    """A plant, its public name (what partners read), the instances that serve it, and how it delivers.

    Without a `calendar` nothing is known of the way to the customer: goods arrive on the day they are there.
    """

    plant: str
    public_name: str
    time_zone: ZoneInfo
    erp: str
    scheduler: str | None
    calendar: PlantCalendar | None = None


@dataclass(frozen=True, slots=True)
class Queues:
    """How many operations may wait for one system, for how long the first of them, and how many may not have begun."""

    most_waiting: int = 1000
    oldest: timedelta = timedelta(hours=4)
    most_unstarted: int = 5000


@dataclass(frozen=True, slots=True)
class Landscape:
    """`erps`, `schedulers` by instance name, `plants` by plant id; one CRM in version 1. `references`: what others call
    our products and customers; `crm_products`: what the CRM's product codes are; `rounding`: what becomes of quantities
    that do not come out even in the unit they are sold in; `queues`: how much may wait; `units`: those of the
    ERPs' customizing."""

    erps: dict[str, SapErp]
    crm: Salesforce
    schedulers: dict[str, Scheduler]
    plants: dict[str, Plant]
    default_plant: str
    sales_area: SalesArea
    references: ReferenceMaps = field(default_factory=ReferenceMaps)
    crm_products: ProductScheme = "erp"
    rounding: Rounding = "refuse"
    queues: Queues = field(default_factory=Queues)
    units: Units = STANDARD

    @property
    def today(self) -> date:
        """The day it is at the default plant."""
        return self.today_at(self.default_plant)

    def today_at(self, plant: str) -> date:
        """The day it is at a plant; at the default one, where we do not know it."""
        return self.day_at(datetime.now(UTC), plant)

    def day_at(self, moment: datetime, plant: str) -> date:
        """The day that an instant falls on at a plant: whether a day is past is told where the goods leave."""
        return day_at(moment, self.plants.get(plant, self.plants[self.default_plant]).time_zone)

    def plant_for(self, client: Client, named: str | None) -> str:
        """The plant of a line: the one it names, else the default one, else the first that the client may name. Raises
        NotVisible where the client may not name it, or may name none."""
        if named is None:
            ours = (self.default_plant, *sorted(self.plants))
            named = next((plant for plant in ours if names_plant(client, plant)), NO_PLANT)
        require_plant(client, named)
        return named

    def scheduler_of(self, plant: str) -> Scheduler | None:
        name = self.plants[plant].scheduler if plant in self.plants else None
        return self.schedulers[name] if name else None
