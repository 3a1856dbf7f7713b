"""The landscape: which systems there are and which of them serves a plant. Assembled once, from the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from system_apis.salesforce.client import Salesforce
from system_apis.sap.client import SapErp
from system_apis.sap.models import SalesArea
from system_apis.scheduler.port import Scheduler


@dataclass(frozen=True, slots=True)
class Plant:
    """A plant, its public name (what partners read), and the instances that serve it."""

    plant: str
    public_name: str
    time_zone: ZoneInfo
    erp: str
    scheduler: str | None


@dataclass(frozen=True, slots=True)
class Landscape:
    """`erps`, `schedulers` by instance name, `plants` by plant id; one CRM in version 1."""

    erps: dict[str, SapErp]
    crm: Salesforce
    schedulers: dict[str, Scheduler]
    plants: dict[str, Plant]
    default_plant: str
    sales_area: SalesArea

    @property
    def today(self) -> date:
        """The day it is at the default plant."""
        return datetime.now(self.plants[self.default_plant].time_zone).date()

    def scheduler_of(self, plant: str) -> Scheduler | None:
        name = self.plants[plant].scheduler if plant in self.plants else None
        return self.schedulers[name] if name else None
