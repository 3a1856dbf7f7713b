"""The landscape: which systems there are and which of them serves a plant. Assembled once, from the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from process_apis.calendars import PlantCalendar
from process_apis.conversions import Rounding
from process_apis.reference_maps import ProductScheme, ReferenceMaps
from system_apis.salesforce.client import Salesforce
from system_apis.sap.client import SapErp
from system_apis.sap.models import SalesArea
from system_apis.sap.units import STANDARD, Units
from system_apis.scheduler.port import Scheduler


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
        return datetime.now(self.plants[self.default_plant].time_zone).date()

    def scheduler_of(self, plant: str) -> Scheduler | None:
        name = self.plants[plant].scheduler if plant in self.plants else None
        return self.schedulers[name] if name else None
