"""The neighbours of a configuration: a client for each instance, and the landscape they make together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import httpx

from app.health import Ping
from app.world import World
from policies.issuer_keys import IssuerKeys
from process_apis.landscape import Landscape, Plant
from system_apis.http import Exchange
from system_apis.salesforce.client import Salesforce
from system_apis.salesforce.client import connect as connect_crm
from system_apis.sap.client import SapErp
from system_apis.sap.client import connect as connect_erp
from system_apis.sap.models import SalesArea
from system_apis.scheduler.http_adapter import HttpScheduler
from system_apis.scheduler.http_adapter import connect as connect_scheduler

System = SapErp | Salesforce | HttpScheduler
Observe = Callable[[Exchange], None]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Everybody this gateway talks to, by instance name. Connections are opened when they are first needed."""

    issuers: dict[str, IssuerKeys]
    erps: dict[str, SapErp]
    crm: Salesforce
    schedulers: dict[str, HttpScheduler]

    def systems(self) -> list[System]:
        return [*self.erps.values(), self.crm, *self.schedulers.values()]

    def landscape(self, world: World) -> Landscape:
        area = world.sales_area
        return Landscape(
            erps=self.erps,
            crm=self.crm,
            schedulers={**self.schedulers},
            plants={
                each.plant: Plant(each.plant, each.public_name, ZoneInfo(each.time_zone), each.erp, each.scheduler)
                for each in world.plants
            },
            default_plant=world.default_plant,
            sales_area=SalesArea(area.sales_organization, area.distribution_channel, area.division),
        )

    def pings(self) -> dict[str, Ping]:
        """How each of them is asked whether it lives."""
        asked: dict[str, Ping] = {each.instance: _pinging(each) for each in self.systems()}
        return asked | {name: lambda _deadline, keys=keys: keys.current() for name, keys in self.issuers.items()}

    def close_with(self, stack: AsyncExitStack) -> None:
        """Have the stack close every connection; the issuers' belong to OAuth."""
        for each in self.systems():
            stack.push_async_callback(each.aclose)


def connect(world: World, transport: httpx.AsyncBaseTransport | None, observe: Observe) -> Neighbours:
    """A client for each instance of the file."""
    (crm,) = world.systems.crm
    return Neighbours(
        issuers={
            each.issuer: IssuerKeys(each.issuer, jwks_uri=each.jwks_uri, transport=transport) for each in world.issuers
        },
        erps={
            each.instance: connect_erp(
                instance=each.instance,
                base_url=each.base_url,
                user=each.user,
                password=each.password,
                sap_client=each.sap_client,
                settle_s=each.settle_seconds,
                reference_field=each.reference_field,
                order_type=each.order_type,
                transport=transport,
                timeout_s=each.timeout_seconds,
                observe=observe,
            )
            for each in world.systems.erp
        },
        crm=connect_crm(
            instance=crm.instance,
            base_url=crm.base_url,
            client_id=crm.client_id,
            client_secret=crm.client_secret,
            token_url=crm.token_url,
            api_version=crm.api_version,
            transport=transport,
            timeout_s=crm.timeout_seconds,
            observe=observe,
        ),
        schedulers={
            each.instance: connect_scheduler(
                instance=each.instance,
                base_url=each.base_url,
                api_key=each.api_key,
                transport=transport,
                timeout_s=each.timeout_seconds,
                observe=observe,
            )
            for each in world.systems.scheduler
        },
    )


def _pinging(system: System) -> Ping:
    return lambda deadline: system.ping(deadline=deadline)
