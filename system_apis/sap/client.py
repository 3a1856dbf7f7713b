"""SAP S/4HANA as the ERP: promise by simulation, create, find, read and change sales orders (OData version 2; the sales
orders by version 4 where an instance has no other)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import httpx

from system_apis.deadline import Deadline
from system_apis.drift import Finding
from system_apis.errors import SystemRefused, UpstreamError
from system_apis.exchange import Exchange
from system_apis.http import Upstream
from system_apis.maintenance import Rests
from system_apis.sap import (
    availability,
    complaints,
    description,
    drift,
    engineering,
    masterdata,
    orders,
    selling,
    simulator,
    supply,
    used,
    wire,
)
from system_apis.sap.access import Access, Password, credentials
from system_apis.sap.books import Between, OrderBook, SalesOrderApi
from system_apis.sap.complaints import unwell
from system_apis.sap.description import Description
from system_apis.sap.goods import (
    Availability,
    AvailabilityQuestion,
    AvailablePeriod,
    BillOfMaterial,
    Customer,
    Delivery,
    Levels,
    Master,
    Place,
    PlantData,
    Product,
    ProductionOrder,
    Routing,
    SoldAs,
    Stock,
)
from system_apis.sap.models import Changed, Demand, NewOrder, Order, OrderPatch, SalesArea, Simulation
from system_apis.sap.repeatability import Repeatability, Support
from system_apis.sap.service import Service
from system_apis.sap.units import STANDARD, Units
from system_apis.sap.v4.orders import SERVICE as ORDERS_V4
from system_apis.sap.v4.orders import OrdersV4
from system_apis.tls import Tls


def connect(
    *,
    instance: str,
    base_url: str,
    sap_client: str,
    settle_s: float,
    user: str = "",
    password: str = "",
    access: Access = None,
    tls: Tls | None = None,
    reference_field: str = wire.DEFAULT_REFERENCE_FIELD,
    order_type: str = "OR",
    checking_rule: str = "A",
    repeatable: bool = False,
    lock_codes: Iterable[str] = (),
    units: Units = STANDARD,
    sales_orders: SalesOrderApi = "v2",
    transport: httpx.AsyncBaseTransport | None = None,
    timeout_s: float = 10,
    observe: Callable[[Exchange], None] | None = None,
    rests: Rests | None = None,
) -> SapErp:
    """An SAP system by its address (scheme, host and what a proxy puts before `/sap`) and a communication user: by
    user and password, by what `access` says, or by the client certificate of `tls`."""
    entered = access or (Password(user, password) if user else None)
    terms = Terms(
        sap_client=sap_client,
        settle_s=settle_s,
        reference_field=reference_field,
        order_type=order_type,
        checking_rule=checking_rule,
        repeatable=repeatable,
        lock_codes=frozenset(lock_codes),
        units=units,
        sales_orders=sales_orders,
    )
    upstream = Upstream(
        system="sap",
        instance=instance,
        base_url=base_url,
        transport=transport,
        auth=credentials(entered, instance=instance, transport=transport, observe=observe, tls=tls),
        timeout_s=timeout_s,
        observe=observe,
        rests=rests,
        unwell=unwell,
        tls=tls,
    )
    return SapErp(instance=instance, upstream=upstream, terms=terms)


@dataclass(frozen=True, slots=True)
class Terms:
    """How one instance is customized, as far as we have to know.

    `settle_s`: how long a request whose answer was lost may still be at work, at least the longest dialog step.
    `reference_field` holds our reference in an order: creatable, filterable, 35 characters. `repeatable`: the instance
    keeps requests repeatable (SAP Gateway's idempotent services). `lock_codes` come on top of those known here,
    `units` are those of its customizing. `sales_orders`: the dialect in which its sales orders are served.
    """

    sap_client: str
    settle_s: float
    reference_field: str = wire.DEFAULT_REFERENCE_FIELD
    order_type: str = "OR"
    checking_rule: str = "A"
    repeatable: bool = False
    lock_codes: frozenset[str] = frozenset()
    units: Units = STANDARD
    sales_orders: SalesOrderApi = "v2"


class SapErp:
    """One client of one SAP system. `upstream` is the way to it, with our credentials on it."""

    def __init__(self, *, instance: str, upstream: Upstream, terms: Terms) -> None:
        self.instance = instance
        self.settle_s = terms.settle_s
        self.reference_field = terms.reference_field
        self._upstream = upstream
        self._order_type = terms.order_type
        self._used = used.used(terms.reference_field, terms.sales_orders)
        # The language is fixed: partner functions and commercial units are language-dependent keys.
        headers = {"sap-client": terms.sap_client, "sap-language": "EN", "Accept-Language": "en"}
        locks = complaints.LOCK_CODES | terms.lock_codes
        self._services = {
            each.service: Service(upstream, each.service, headers, locks, terms.units, dialect=each.dialect)
            for each in self._used
        }
        self._repeatable = Repeatability(instance, declared=terms.repeatable)
        self._orders = self._order_book(terms)
        self._simulator = simulator.Simulator(self._services[simulator.SERVICE])
        self._products = masterdata.Products(self._services[masterdata.PRODUCTS])
        self._selling = selling.Selling(self._services[masterdata.PRODUCTS], self._products)
        self._customers = masterdata.Customers(self._services[masterdata.PARTNERS])
        self._availability = availability.AvailabilityCheck(
            self._services[availability.SERVICE], self._products, terms.checking_rule
        )

    def _order_book(self, terms: Terms) -> OrderBook:
        """One of two: nothing above this line knows which."""
        named = {"reference_field": terms.reference_field, "order_type": terms.order_type}
        if terms.sales_orders == "v4":
            return OrdersV4(self._services[ORDERS_V4], **named)
        return orders.Orders(self._services[orders.SERVICE], **named, repeatable=self._repeatable)

    @property
    def repeatability(self) -> Support:
        """Whether the ERP keeps our requests repeatable: what it said last, not what the configuration hopes."""
        return self._repeatable.support

    async def simulate(
        self,
        sold_to: str,
        sales_area: SalesArea,
        lines: Sequence[Demand],
        *,
        deadline: Deadline,
        order: str | None = None,
        with_elements: bool = False,
        ship_to: str | None = None,
    ) -> Simulation:
        """Price, credit and availability of an order that is never saved (API_SALES_ORDER_SIMULATION_SRV).

        SAP refuses the whole document for one bad line: such lines are set aside with SAP's message and the others
        asked again. `order` names an existing order whose own demand is not to count against it. `with_elements` asks
        for the conditions behind the prices, which makes the answer several times as large.
        """
        question = simulator.Question(sold_to, sales_area, self._order_type, order, with_elements, ship_to)
        return await self._simulator.simulate(question, lines, deadline)

    async def create_order(self, order: NewOrder, *, deadline: Deadline) -> Order:
        """One POST, never repeated here. After OutcomeUnknown look for the reference, and only after `settle_s`
        conclude anything from not finding it."""
        return await self._orders.create(order, deadline)

    async def find_by_reference(self, reference: str, sold_to: str, *, deadline: Deadline) -> tuple[Order, ...]:
        """The orders with exactly this reference of this customer. None found proves nothing before `settle_s`."""
        return await self._orders.find(reference, sold_to, deadline)

    async def read_order(self, number: str, *, deadline: Deadline) -> Order:
        """The order with items and schedule lines as it stands. NotFoundInSystem if SAP does not know the number."""
        return await self._orders.read(number, deadline)

    async def read_version(self, number: str, *, deadline: Deadline) -> str:
        """The order's ETag alone, byte for byte."""
        return await self._orders.version(number, deadline)

    async def change_order(
        self, patch: OrderPatch, *, deadline: Deadline, reread: bool = False, between: Between | None = None
    ) -> Changed:
        """All of the patch or nothing, if the order still is at `patch.etag` (else VersionMoved). Only an instance that
        keeps its orders by version 4 takes several updates one by one: `between` is awaited between them, and a failure
        says by `half_done` what stands.

        After OutcomeUnknown, and after a VersionMoved met on a repeat, read the order: the change may be in it. A
        refusal names the `part` of the changeset it is about, where SAP says so. A line in `added` gets its item number
        from SAP and the header's date: its own date is a further change. SAP answers with nothing: `reread` reads.
        """
        return await self._orders.change(patch, deadline, reread=reread, between=between)

    async def check_availability(
        self, lines: Sequence[AvailabilityQuestion], *, deadline: Deadline
    ) -> tuple[Availability, ...]:
        """What plants can promise of materials, without an order: one answer per line, in base units, all lines in one
        `$batch` (API_PRODUCT_AVAILY_INFO_BASIC). A line SAP has no answer for is `refused`; the others stand."""
        return await self._availability.check(lines, deadline)

    async def availability_series(
        self, material: str, plant: str, *, deadline: Deadline
    ) -> tuple[AvailablePeriod, ...]:
        """What a plant can promise of a material over time, in base units."""
        return await self._availability.series(material, plant, deadline)

    async def levels(self, places: Sequence[Place], *, deadline: Deadline) -> dict[Place, Levels | UpstreamError]:
        """What plants can promise of materials over time, in base units, all in one `$batch`; a place that the ERP says
        no to, or that it could not answer, does not spoil the others (API_PRODUCT_AVAILY_INFO_BASIC)."""
        return await self._availability.levels(places, deadline)

    async def masters(self, places: Sequence[Place], *, deadline: Deadline) -> dict[Place, Master | UpstreamError]:
        """Materials with their units and lead times, in one `$batch`, remembered for some minutes (API_PRODUCT_SRV)."""
        return await self._products.masters(places, deadline)

    async def stocks(self, places: Sequence[Place], *, deadline: Deadline) -> dict[Place, Stock | UpstreamError]:
        """Unrestricted stock of many materials, in base units, in one `$batch` (API_MATERIAL_STOCK_SRV)."""
        return await supply.stocks(self._services[supply.STOCKS], self._products, places, deadline)

    async def product(self, material: str, *, deadline: Deadline) -> Product:
        """A material with its units (API_PRODUCT_SRV)."""
        return await self._products.product(material, deadline)

    async def plant_data(self, material: str, plant: str, *, deadline: Deadline) -> PlantData:
        """A material at a plant. NotFoundInSystem if the plant does not keep it."""
        return await self._products.at_plant(material, plant, deadline)

    async def sold(
        self, materials: Iterable[str], sales_area: SalesArea, *, deadline: Deadline
    ) -> dict[str, SoldAs | SystemRefused]:
        """How materials are sold in a sales area, or why SAP does not know one; remembered for ten minutes."""
        return await self._selling.sold(materials, sales_area, deadline)

    async def bills_of_material(self, material: str, plant: str, *, deadline: Deadline) -> tuple[BillOfMaterial, ...]:
        """What a material is made of at a plant, every revision (API_BILL_OF_MATERIAL_SRV). Never remembered."""
        return await engineering.bills(self._services[engineering.BILLS], material, plant, deadline)

    async def routings(self, material: str, plant: str, *, deadline: Deadline) -> tuple[Routing, ...]:
        """How a material is made at a plant, every revision (API_PRODUCTION_ROUTING). Never remembered."""
        return await engineering.routings(self._services[engineering.ROUTINGS], material, plant, deadline)

    async def customer(self, number: str, sales_area: SalesArea, *, deadline: Deadline) -> Customer:
        """A customer in a sales area: blocks, delivering plant, ship-to parties (API_BUSINESS_PARTNER)."""
        return await self._customers.customer(number, sales_area, deadline)

    async def stock(self, material: str, plant: str, *, deadline: Deadline) -> Stock:
        """Unrestricted stock of nobody's in particular, in base units (API_MATERIAL_STOCK_SRV)."""
        return await supply.stock(self._services[supply.STOCKS], self._products, material, plant, deadline)

    async def production_orders(self, order: str, *, deadline: Deadline) -> tuple[ProductionOrder, ...]:
        """What is made for a sales order (API_PRODUCTION_ORDER_2_SRV)."""
        return await supply.production_orders(self._services[supply.PRODUCTION], order, deadline)

    async def deliveries(self, order: str, *, deadline: Deadline) -> tuple[Delivery, ...]:
        """The outbound deliveries of a sales order (API_OUTBOUND_DELIVERY_SRV)."""
        return await supply.deliveries(self._services[supply.DELIVERIES], order, deadline)

    async def describe(self, *, deadline: Deadline) -> tuple[Description, ...]:
        """The live metadata of every service we use, side by side."""
        return await description.describe(self._services.values(), deadline)

    async def drift(self, *, deadline: Deadline) -> tuple[Finding, ...]:
        """What we use and the instance no longer has or allows, our reference field included."""
        told = await self.describe(deadline=deadline)
        return drift.compare(told, self._used, instance=self.instance, reference_field=self.reference_field)

    async def ping(self, *, deadline: Deadline) -> None:
        """Raises unless SAP answers at the service root and takes our credentials."""
        await self._orders.ping(deadline)

    async def aclose(self) -> None:
        await self._upstream.aclose()
