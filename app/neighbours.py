"""The neighbours of a configuration: a client for each instance, and the landscape they make together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from app.health import Ping
from app.settings_file import tls_of
from app.upkeep import windows
from app.world import CalendarEntry, CrmInstance, ErpInstance, SchedulerInstance, World
from policies.issuer_keys import IssuerKeys, Patience
from process_apis.calendars import Lane, PlantCalendar, weekdays_of
from process_apis.landscape import Landscape, Plant, Queues
from process_apis.reference_maps import ReferenceMaps
from process_apis.words import bare
from system_apis.http import Exchange
from system_apis.maintenance import Rests, rests
from system_apis.salesforce.client import Salesforce
from system_apis.salesforce.client import connect as connect_crm
from system_apis.salesforce.logon import SignedLogon
from system_apis.salesforce.rest import Allowance
from system_apis.sap.access import Access, ClientSecret, Password
from system_apis.sap.client import SapErp
from system_apis.sap.client import connect as connect_erp
from system_apis.sap.models import SalesArea
from system_apis.sap.units import Units
from system_apis.scheduler.http_adapter import HttpScheduler
from system_apis.scheduler.http_adapter import connect as connect_scheduler
from system_apis.tls import Tls

System = SapErp | Salesforce | HttpScheduler
Observe = Callable[[Exchange], None]
Metered = Callable[[Allowance], None]
Clock = Callable[[], datetime]


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
                each.plant: Plant(
                    each.plant,
                    each.public_name,
                    ZoneInfo(each.time_zone),
                    each.erp,
                    each.scheduler,
                    _calendar(each.calendar) if each.calendar else None,
                )
                for each in world.plants
            },
            default_plant=world.default_plant,
            sales_area=SalesArea(area.sales_organization, area.distribution_channel, area.division),
            references=ReferenceMaps.of(
                world.references.products, world.references.customers, world.references.substitutes
            ),
            crm_products=world.systems.crm[0].product_codes,
            rounding=world.references.rounding,
            queues=Queues(
                world.queues.most_waiting,
                timedelta(minutes=world.queues.oldest_minutes),
                world.queues.most_unstarted,
            ),
            units=Units(world.references.units),
        )

    def pings(self) -> dict[str, Ping]:
        """How each of them is asked whether it lives."""
        asked: dict[str, Ping] = {each.instance: _pinging(each) for each in self.systems()}
        return asked | {name: lambda _deadline, keys=keys: keys.current() for name, keys in self.issuers.items()}

    def close_with(self, stack: AsyncExitStack) -> None:
        """Have the stack close every connection; the issuers' belong to OAuth."""
        for each in self.systems():
            stack.push_async_callback(each.aclose)


def utc_now() -> datetime:
    return datetime.now(UTC)


def connect(
    world: World,
    transport: httpx.AsyncBaseTransport | None,
    observe: Observe,
    metered: Metered | None = None,
    now: Clock = utc_now,
) -> Neighbours:
    """A client for each instance of the file. `metered` is told what the CRM says of its daily allowance, `now` is the
    clock of maintenance windows."""
    (crm,) = world.systems.crm
    units = Units(world.references.units)
    return Neighbours(
        issuers={
            each.issuer: IssuerKeys(
                each.issuer,
                jwks_uri=each.jwks_uri,
                transport=transport,
                patience=Patience(fresh_s=each.keys_fresh_seconds, usable_s=each.keys_usable_seconds),
            )
            for each in world.issuers
        },
        erps={each.instance: _erp(each, units, transport, observe, _rests(each, now)) for each in world.systems.erp},
        crm=_crm(crm, transport, observe, metered, _rests(crm, now)),
        schedulers={
            each.instance: connect_scheduler(
                instance=each.instance,
                base_url=each.base_url,
                api_key=each.api_key,
                plants=[plant.plant for plant in world.plants if plant.scheduler == each.instance],
                transport=transport,
                timeout_s=each.timeout_seconds,
                observe=observe,
                rests=_rests(each, now),
            )
            for each in world.systems.scheduler
        },
    )


def _rests(each: ErpInstance | CrmInstance | SchedulerInstance, now: Clock) -> Rests | None:
    """An instance without windows is not asked for the time at each call."""
    return rests(windows(each.maintenance), now) if each.maintenance else None


def _crm(
    each: CrmInstance,
    transport: httpx.AsyncBaseTransport | None,
    observe: Observe,
    metered: Metered | None,
    resting: Rests | None,
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
        rests=resting,
        metered=metered,
        tls=Tls(Path(each.ca_file)) if each.ca_file else None,
    )


def _erp(
    each: ErpInstance,
    units: Units,
    transport: httpx.AsyncBaseTransport | None,
    observe: Observe,
    resting: Rests | None,
) -> SapErp:
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
        sales_orders=each.sales_order_api,
        lock_codes=each.lock_codes,
        units=units,
        transport=transport,
        timeout_s=each.timeout_seconds,
        observe=observe,
        rests=resting,
    )


def _calendar(each: CalendarEntry) -> PlantCalendar:
    return PlantCalendar(
        weekdays_of(each.working_days),
        frozenset(each.holidays),
        each.pick_pack_days,
        each.transit_days,
        tuple(Lane(lane.region, lane.transit_days, frozenset(map(bare, lane.ship_tos))) for lane in each.lanes),
    )


def _pinging(system: System) -> Ping:
    return lambda deadline: system.ping(deadline=deadline)
