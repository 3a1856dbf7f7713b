"""The neighbours of a configuration: a client for each instance, and the landscape they make together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from app.health import Ping
from app.settings_file import tls_of
from app.world import CrmInstance, ErpInstance, World
from policies.issuer_keys import IssuerKeys
from process_apis.landscape import Landscape, Plant
from system_apis.http import Exchange
from system_apis.salesforce.client import Salesforce
from system_apis.salesforce.client import connect as connect_crm
from system_apis.salesforce.logon import SignedLogon
from system_apis.salesforce.rest import Allowance
from system_apis.sap.access import Access, ClientSecret, Password
from system_apis.sap.client import SapErp
from system_apis.sap.client import connect as connect_erp
from system_apis.sap.models import SalesArea
from system_apis.scheduler.http_adapter import HttpScheduler
from system_apis.scheduler.http_adapter import connect as connect_scheduler
from system_apis.tls import Tls

System = SapErp | Salesforce | HttpScheduler
Observe = Callable[[Exchange], None]
Metered = Callable[[Allowance], None]


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


def connect(
    world: World, transport: httpx.AsyncBaseTransport | None, observe: Observe, metered: Metered | None = None
) -> Neighbours:
    """A client for each instance of the file. `metered` is told what the CRM says of its daily allowance."""
    (crm,) = world.systems.crm
    return Neighbours(
        issuers={
            each.issuer: IssuerKeys(each.issuer, jwks_uri=each.jwks_uri, transport=transport) for each in world.issuers
        },
        erps={each.instance: _erp(each, transport, observe) for each in world.systems.erp},
        crm=_crm(crm, transport, observe, metered),
        schedulers={
            each.instance: connect_scheduler(
                instance=each.instance,
                base_url=each.base_url,
                api_key=each.api_key,
                plants=[plant.plant for plant in world.plants if plant.scheduler == each.instance],
                transport=transport,
                timeout_s=each.timeout_seconds,
                observe=observe,
            )
            for each in world.systems.scheduler
        },
    )


def _crm(
    each: CrmInstance, transport: httpx.AsyncBaseTransport | None, observe: Observe, metered: Metered | None
) -> Salesforce:
    signed = None
    if each.username and each.key_file:
        signed = SignedLogon(each.username, Path(each.key_file), each.audience)
    return connect_crm(
        instance=each.instance,
        base_url=each.base_url,
        client_id=each.client_id,
        client_secret=each.client_secret,
        signed=signed,
        token_url=each.token_url,
        api_version=each.api_version,
        home_currency=each.home_currency,
        multi_currency=each.multi_currency,
        transport=transport,
        timeout_s=each.timeout_seconds,
        observe=observe,
        metered=metered,
        tls=Tls(Path(each.ca_file)) if each.ca_file else None,
    )


def _erp(each: ErpInstance, transport: httpx.AsyncBaseTransport | None, observe: Observe) -> SapErp:
    access: Access = None
    if each.user and each.password:
        access = Password(each.user, each.password)
    elif each.token_url and each.client_id and each.client_secret:
        access = ClientSecret(each.token_url, each.client_id, each.client_secret, each.scope)
    return connect_erp(
        instance=each.instance,
        base_url=each.base_url,
        access=access,
        tls=tls_of(each),
        sap_client=each.sap_client,
        settle_s=each.settle_seconds,
        reference_field=each.reference_field,
        order_type=each.order_type,
        checking_rule=each.checking_rule,
        repeatable=each.repeatable,
        lock_codes=each.lock_codes,
        transport=transport,
        timeout_s=each.timeout_seconds,
        observe=observe,
    )


def _pinging(system: System) -> Ping:
    return lambda deadline: system.ping(deadline=deadline)
