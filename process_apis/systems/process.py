"""System APIs as governed reads: one question to one system by its instance, answered in our words with its source."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from typing import Protocol, TypeVar

from process_apis.caller import Caller
from process_apis.errors import NoSuchThing
from process_apis.landscape import Landscape
from process_apis.provenance import System
from process_apis.systems import views
from process_apis.systems.models import (
    Breaker,
    CrmQuote,
    ErpAvailability,
    ErpOrder,
    ErpStock,
    HeldCapacity,
    Origin,
    SystemList,
    SystemState,
)
from process_apis.systems.watch import Watch
from system_apis.deadline import Deadline
from system_apis.errors import UpstreamError
from system_apis.sap.goods import AvailabilityQuestion

LONGEST_PING_S = 1.0
LINE = "1"
DAYS_END = time_of_day(23, 59, 59)
Instance = TypeVar("Instance")


class Neighbour(Protocol):
    """Any system client."""

    instance: str

    async def ping(self, *, deadline: Deadline) -> None: ...


async def list_systems(caller: Caller, _request: None, *, landscape: Landscape, watch: Watch) -> SystemList:
    """Every system is asked whether it is up, side by side and for at most a second. Beside it stands what was noticed
    before: the last answer, the last failure, and what has drifted."""
    systems: list[tuple[System, Neighbour]] = [
        *(("erp", each) for each in landscape.erps.values()),
        ("crm", landscape.crm),
        *(("scheduler", each) for each in landscape.schedulers.values()),
    ]
    deadline = caller.deadline.sooner(LONGEST_PING_S)
    return SystemList(tuple(await asyncio.gather(*(_state(system, each, watch, deadline) for system, each in systems))))


async def read_erp_order(
    caller: Caller, _request: None, instance: str, order_number: str, *, landscape: Landscape
) -> ErpOrder:
    """The order as the ERP holds it now, whoever made it: items, schedule lines and holds, and nothing of ours."""
    erp = _named(landscape.erps, instance)
    order = await erp.read_order(order_number, deadline=caller.deadline)
    return views.erp_order(order, _origin("erp", instance, "API_SALES_ORDER_SRV"))


async def read_erp_availability(
    caller: Caller,
    _request: None,
    instance: str,
    *,
    material: str,
    plant: str,
    quantity: str,
    unit: str,
    requested_date: date,
    landscape: Landscape,
) -> ErpAvailability:
    """What the ERP's availability check can promise of a material by the end of a day at the plant. It knows neither
    customer nor price and reserves nothing; a promise to a customer is made by an ATP check."""
    erp = _named(landscape.erps, instance)
    place = landscape.plants.get(plant)
    if place is None:
        raise NoSuchThing("plant", plant)
    wanted_at = datetime.combine(requested_date, DAYS_END, place.time_zone)
    question = AvailabilityQuestion(LINE, material, plant, Decimal(quantity), unit, wanted_at)
    (answer,) = await erp.check_availability([question], deadline=caller.deadline)
    return views.erp_availability(answer, _origin("erp", instance, "API_PRODUCT_AVAILY_INFO_BASIC"))


async def read_erp_stock(
    caller: Caller, _request: None, instance: str, *, material: str, plant: str, landscape: Landscape
) -> ErpStock:
    """What lies at a plant unrestricted. Whether it is free, the availability check says."""
    erp = _named(landscape.erps, instance)
    stock = await erp.stock(material, plant, deadline=caller.deadline)
    return views.erp_stock(stock, _origin("erp", instance, "API_MATERIAL_STOCK_SRV"))


async def read_crm_quote(
    caller: Caller, _request: None, instance: str, quote_id: str, *, landscape: Landscape
) -> CrmQuote:
    """The quote as the CRM holds it now, in whatever state."""
    if instance != landscape.crm.instance:
        raise NoSuchThing("instance", instance)
    quote = await landscape.crm.read_quote(quote_id, deadline=caller.deadline)
    return views.crm_quote(quote, _origin("crm", instance, "Quote"))


async def read_commitments(
    caller: Caller, _request: None, instance: str, order_reference: str, *, landscape: Landscape
) -> HeldCapacity:
    """The capacity that the plan holds for an order of the ERP. Not found: it holds nothing."""
    scheduler = _named(landscape.schedulers, instance)
    held = await scheduler.commitments(order_reference, deadline=caller.deadline)
    if held is None:
        raise NoSuchThing("commitments", order_reference)
    return views.held_capacity(held, _origin("scheduler", instance, "commitments"))


def _named(instances: Mapping[str, Instance], name: str) -> Instance:
    if name not in instances:
        raise NoSuchThing("instance", name)
    return instances[name]


def _origin(system: System, instance: str, api: str) -> Origin:
    return Origin(system, instance, api, datetime.now(UTC))


async def _state(system: System, each: Neighbour, watch: Watch, deadline: Deadline) -> SystemState:
    began = time.monotonic()
    reason = None
    try:
        async with asyncio.timeout(deadline.remaining_s):
            await each.ping(deadline=deadline)
    except (UpstreamError, TimeoutError) as failure:
        reason = type(failure).__name__
    return SystemState(
        system=system,
        instance=each.instance,
        state="down" if reason else "up",
        reason=reason,
        round_trip_ms=round((time.monotonic() - began) * 1000),
        checked_at=datetime.now(UTC),
        last_answer_at=watch.last_answers.get(each.instance),
        last_error=watch.last_errors.get(each.instance),
        breakers=tuple(Breaker(*each) for each in sorted(watch.breakers.get(each.instance, {}).items())),
        drift=watch.drifts.get(each.instance),
    )
