"""Reading an order wherever a part of it lives: ERP, schedulers and CRM side by side, gaps remembered as gaps."""

from __future__ import annotations

import asyncio

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.access import require_customer, speaks_for
from policies.clients import Disclosure
from process_apis.caller import Caller
from process_apis.errors import NoSourceAnswered, NoSuchThing
from process_apis.landscape import Landscape, Plant
from process_apis.order_ids import NUMBER, canonical
from process_apis.orders.mismatches import Mismatch, between
from process_apis.orders.rules import wanted_date
from process_apis.orders.tables import Maker, maker_of, own_revision
from process_apis.orders.versions import NOT_SEEN, NOTHING, OrderVersion, crm_part
from process_apis.provenance import Heard, Source, System, ask
from process_apis.ways import Way, way_from
from process_apis.words import bare
from system_apis.deadline import Deadline
from system_apis.errors import NotFoundInSystem
from system_apis.salesforce.client import Salesforce
from system_apis.salesforce.models import Quote
from system_apis.sap.models import Order
from system_apis.scheduler.models import Commitment, Commitments

ORDER_API, COMMITMENT_API, QUOTE_API = "API_SALES_ORDER_SRV", "commitments", "Quote"


class OrderFacts(Struct, frozen=True):
    """An order as its systems hold it now. `plans` by scheduler instance; `maker` is there if it was made here."""

    order_id: str
    instance: str
    number: str
    erp: Heard[Order]
    plans: dict[str, Heard[Commitments | None]]
    crm: Heard[Quote | None]
    own_revision: int
    maker: Maker | None
    plants: dict[str, Plant] = {}

    @property
    def line_ids(self) -> dict[str, str]:
        """Our line of each ERP item, where we know it."""
        return self.maker.line_ids if self.maker else {}

    @property
    def order(self) -> Order | None:
        return self.erp.answer

    @property
    def quote(self) -> Quote | None:
        return self.crm.answer

    @property
    def customer(self) -> str | None:
        """The sold-to party, from whoever answered."""
        if self.order:
            return self.order.sold_to
        return self.quote.customer if self.quote else None

    @property
    def plan_known(self) -> bool:
        return all(heard.outcome == "ok" for heard in self.plans.values())

    def commitments_of(self, item: str) -> tuple[Commitment, ...]:
        """What the plans hold for an item, under the item's number or the line it was made of, on the days on which it
        arrives."""
        names = {item, self.line_ids.get(item, item)}
        held = [heard.answer for heard in self.plans.values() if heard.answer]
        found = [one for commitments in held for one in commitments.lines if one.line_id in names]
        ordered = next((one for one in self.order.items if one.item == item), None) if self.order else None
        if ordered is None:
            return tuple(found)
        way, due = self.way_from(ordered.plant), wanted_date(ordered)
        return tuple(replace(one, date=way.arrival_day(one.date, due or one.date)) for one in found)

    def way_from(self, plant: str) -> Way:
        """The way of the order's goods from a plant, as it was when the ERP answered."""
        ship_to = bare(self.order.ship_to or self.order.sold_to) if self.order else ""
        return way_from(self.plants, plant, ship_to, self.erp.at)

    @property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """What the systems that answered say differently. While a conversion is at it, they may."""
        if self.order is None or (self.maker and self.maker.running):
            return ()
        held = [one for heard in self.plans.values() if heard.answer for one in heard.answer.lines]
        told = bool(self.quote.order_number) if self.maker and self.quote else None
        return between(self.order, held, self.line_ids, crm_names_order=told)

    def version(self, disclosure: Disclosure) -> OrderVersion | None:
        """None without the ERP's part: there is no version to hold anybody to."""
        if self.order is None:
            return None
        plans = [f"{instance}:{_version_of(heard.answer)}" for instance, heard in sorted(self.plans.items())]
        plan = ",".join(plans) if self.plan_known else NOT_SEEN
        crm = crm_part(self.quote.modified_at if self.quote else None) if self.crm.outcome == "ok" else NOT_SEEN
        return OrderVersion(self.order_id, self.order.etag, plan, crm, self.own_revision, disclosure)


async def read_facts(order_id: str, *, landscape: Landscape, store: AsyncEngine, deadline: Deadline) -> OrderFacts:
    """Everything about the order that can be read until the deadline. An id that no ERP of ours made is no order."""
    instance, _, number = canonical(order_id).partition(".")
    erp = landscape.erps.get(instance)
    if erp is None or not NUMBER.fullmatch(number):
        raise NoSuchThing("order", order_id)
    order_id = canonical(order_id)
    schedulers = {plant.scheduler for plant in landscape.plants.values() if plant.erp == instance and plant.scheduler}
    revision, maker = await _ours(store, order_id, instance, number)
    async with asyncio.TaskGroup() as asking:
        order = asking.create_task(ask(erp.read_order(number, deadline=deadline), deadline))
        plans = {
            name: asking.create_task(ask(landscape.schedulers[name].commitments(number, deadline=deadline), deadline))
            for name in schedulers
        }
        quote = asking.create_task(ask(_quote(landscape.crm, maker, (instance, number), deadline), deadline))
    heard_plans = {name: plan.result() for name, plan in plans.items()}
    return OrderFacts(
        order_id, instance, number, order.result(), heard_plans, quote.result(), revision, maker, landscape.plants
    )


async def visible_facts(caller: Caller, order_id: str, *, landscape: Landscape, store: AsyncEngine) -> OrderFacts:
    """The facts of an order that is the caller's to see. Unknown and foreign are one, after the same calls: also while
    the ERP is silent, when nobody could say that an unknown one does not exist."""
    facts = await read_facts(order_id, landscape=landscape, store=store, deadline=caller.deadline)
    if facts.erp.absent:
        raise NoSuchThing("order", order_id)
    customer = facts.customer
    if customer is None or (facts.order is None and not speaks_for(caller.client, customer)):
        raise NoSourceAnswered((facts.instance,))
    require_customer(caller.client, customer, kind="order", ident=order_id)
    return facts


def sources_of(facts: OrderFacts, crm_instance: str) -> list[Source]:
    """ERP, schedulers, CRM, in this order. None of them states an as-of time: all were read just now."""
    heard: list[tuple[System, str, str, Heard[Order] | Heard[Commitments | None] | Heard[Quote | None]]] = [
        ("erp", facts.instance, ORDER_API, facts.erp),
        *(("scheduler", name, COMMITMENT_API, plan) for name, plan in sorted(facts.plans.items())),
        ("crm", crm_instance, QUOTE_API, facts.crm),
    ]
    return [_source(f"s{place}", *one) for place, one in enumerate(heard, 1)]


def _source(
    ident: str,
    system: System,
    instance: str,
    api: str,
    heard: Heard[Order] | Heard[Commitments | None] | Heard[Quote | None],
) -> Source:
    if heard.outcome != "ok":
        return Source(ident, system, instance, api, heard.outcome)
    return Source(ident, system, instance, api, "ok", heard.at, heard.at, "inferred")


def _version_of(held: Commitments | None) -> str:
    return held.version if held else NOTHING


async def _ours(store: AsyncEngine, order_id: str, instance: str, number: str) -> tuple[int, Maker | None]:
    async with store.connect() as connection:
        return await own_revision(connection, order_id), await maker_of(connection, instance, number)


async def _quote(crm: Salesforce, maker: Maker | None, order: tuple[str, str], deadline: Deadline) -> Quote | None:
    """The quote that the order was made of. A quote names one order, the last one, though each of its parts may have
    become one: where the order was made here, we know better than the CRM."""
    if maker is not None and maker.inline:
        return None
    if maker is None:
        instance, number = order
        return await crm.find_quote_of_order(number, order_instance=instance, deadline=deadline)
    try:
        return await crm.read_quote(maker.quote_id, deadline=deadline)
    except NotFoundInSystem:
        return None
