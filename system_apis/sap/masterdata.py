"""Materials with their units and plants, and customers: SAP's master data as far as a promise or an order needs it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

import httpx
import msgspec

from system_apis.bodies import decoded, tidy
from system_apis.deadline import Deadline
from system_apis.errors import SystemRefused, UpstreamError
from system_apis.sap import odata, reading, wire_goods
from system_apis.sap.asking import SapErrand
from system_apis.sap.batch import PartAnswer
from system_apis.sap.goods import Customer, Master, Place, PlantData, Product, UnitRatio
from system_apis.sap.models import SalesArea
from system_apis.sap.service import Service
from system_apis.sap.units import UnitUnknown
from system_apis.sap.wire import Envelope, Results, names

PRODUCTS = "API_PRODUCT_SRV"
PARTNERS = "API_BUSINESS_PARTNER"
UNITS_KEPT_S = 600.0
"""How long the units of a material are remembered: they change by a project, not by a day."""
_MOST_KEPT = 5000
_PRODUCT = msgspec.json.Decoder(Envelope[wire_goods.Product])
_UNITS = msgspec.json.Decoder(Envelope[Results[wire_goods.AlternativeUnit]])
_PLANT = msgspec.json.Decoder(Envelope[wire_goods.ProductPlant])
_CUSTOMER = msgspec.json.Decoder(Envelope[wire_goods.Customer])
_AREA = msgspec.json.Decoder(Envelope[wire_goods.CustomerSalesArea])
_FUNCTIONS = msgspec.json.Decoder(Envelope[Results[wire_goods.PartnerFunction]])
_SHIP_TO = ("SH", "WE")


class Products:
    """API_PRODUCT_SRV."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._kept: dict[str, tuple[float, Product]] = {}

    async def product(self, material: str, deadline: Deadline) -> Product:
        errand = self._service.errand("read a material")
        answer = await self._service.get(_product_path(material), errand, deadline)
        return await self._read(answer.content, errand, deadline)

    async def known(self, materials: Iterable[str], deadline: Deadline) -> dict[str, Product | SystemRefused]:
        """The materials, or why not, in one `$batch`; asked again only after UNITS_KEPT_S."""
        wanted = list(dict.fromkeys(materials))
        fresh_since = time.monotonic() - UNITS_KEPT_S
        found: dict[str, Product | SystemRefused] = {
            name: kept[1] for name in wanted if (kept := self._kept.get(name)) and kept[0] >= fresh_since
        }
        missing = [name for name in wanted if name not in found]
        if missing:
            errand = self._service.errand("read materials")
            parts = await self._service.look_up([_product_path(name) for name in missing], errand, deadline)
            for name, part in zip(missing, parts, strict=True):
                try:
                    found[name] = await self._one(name, part, errand, deadline)
                except SystemRefused as no:  # to this material; anything else leaves the whole question open
                    if no.safe_to_repeat:
                        raise
                    found[name] = no
        return found

    async def at_plant(self, material: str, plant: str, deadline: Deadline) -> PlantData:
        errand = self._service.errand("read a material at a plant")
        answer = await self._service.get(_plant_path(Place(material, plant)), errand, deadline)
        return _plant_data(decoded(_PLANT, answer.content, errand).d, errand)

    async def masters(self, places: Iterable[Place], deadline: Deadline) -> dict[Place, Master | UpstreamError]:
        """Materials with their units and what their plants say of them, or why not, in one `$batch`."""
        wanted = list(dict.fromkeys(places))
        if not wanted:
            return {}
        errand = self._service.errand("read materials")
        paths = [path for place in wanted for path in (_product_path(place.material), _plant_path(place))]
        parts = iter(await self._service.look_up(paths, errand, deadline))
        return {place: await self._master(place, next(parts), next(parts), errand, deadline) for place in wanted}

    async def _master(
        self, place: Place, central: PartAnswer, local: PartAnswer, errand: SapErrand, deadline: Deadline
    ) -> Master | UpstreamError:
        try:
            product = await self._one(place.material, central, errand, deadline)
            if not httpx.codes.is_success(local.status):
                raise self._service.failure(local.status, local.body, errand)
            return Master(product, _plant_data(decoded(_PLANT, local.body, errand).d, errand), datetime.now(UTC))
        except UpstreamError as failure:
            return failure

    async def _one(self, name: str, part: PartAnswer, errand: SapErrand, deadline: Deadline) -> Product:
        if not httpx.codes.is_success(part.status):
            raise self._service.failure(part.status, part.body, errand)
        product = await self._read(part.body, errand, deadline)
        self._keep(name, product)
        return product

    async def _read(self, body: bytes, errand: SapErrand, deadline: Deadline) -> Product:
        read = decoded(_PRODUCT, body, errand).d
        units = await self._service.rest(read.units, _UNITS, errand, deadline)
        return Product(
            material=read.material,
            base_unit=reading.unit_of((read.base_unit,), errand),
            ratios=tuple(_ratios(units, errand)),
            status=read.status,
            configurable=read.configurable,
            deleted=read.deleted,
        )

    def _keep(self, name: str, product: Product) -> None:
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[name] = (time.monotonic(), product)


class Customers:
    """API_BUSINESS_PARTNER, of which only the customer in a sales area is used."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def customer(self, number: str, area: SalesArea, deadline: Deadline) -> Customer:
        """NotFoundInSystem: no such customer, or not one of this sales area."""
        errand = self._service.errand("read a customer")
        central, sales = await self._service.look_up(_customer_paths(number, area), errand, deadline)
        for part in (central, sales):
            if not httpx.codes.is_success(part.status):
                raise self._service.failure(part.status, part.body, errand)
        read, here = decoded(_CUSTOMER, central.body, errand).d, decoded(_AREA, sales.body, errand).d
        functions = await self._service.rest(here.functions, _FUNCTIONS, errand, deadline)
        return Customer(
            number=odata.stripped(read.number),
            name=read.name,
            order_block=read.order_block or here.order_block,
            delivery_block=read.delivery_block or here.delivery_block,
            billing_block=read.billing_block or here.billing_block,
            currency=here.currency,
            plant=here.plant,
            ship_tos=tuple(odata.stripped(one.customer) for one in functions if one.function in _SHIP_TO),
        )


def _plant_path(place: Place) -> str:
    planning = (f"to_ProductSupplyPlanning/{name}" for name in names(wire_goods.SupplyPlanning))
    options = odata.query(
        expand="to_ProductSupplyPlanning", select=",".join((*names(wire_goods.ProductPlant), *planning))
    )
    return f"{odata.entity('A_ProductPlant', Product=place.material, Plant=place.plant)}{options}"


def _product_path(material: str) -> str:
    units = (f"to_ProductUnitsOfMeasure/{name}" for name in names(wire_goods.AlternativeUnit))
    options = odata.query(expand="to_ProductUnitsOfMeasure", select=",".join((*names(wire_goods.Product), *units)))
    return f"{odata.entity('A_Product', Product=material)}{options}"


def _customer_paths(number: str, area: SalesArea) -> tuple[str, str]:
    sales = odata.entity(
        "A_CustomerSalesArea",
        Customer=number,
        SalesOrganization=area.sales_organization,
        DistributionChannel=area.distribution_channel,
        Division=area.division,
    )
    functions = (f"to_PartnerFunction/{name}" for name in names(wire_goods.PartnerFunction))
    shape = odata.query(
        expand="to_PartnerFunction", select=",".join((*names(wire_goods.CustomerSalesArea), *functions))
    )
    central = odata.query(select=",".join(names(wire_goods.Customer)))
    return f"{odata.entity('A_Customer', Customer=number)}{central}", f"{sales}{shape}"


def _ratios(units: Iterable[wire_goods.AlternativeUnit], errand: SapErrand) -> Iterable[UnitRatio]:
    """A unit we have no word for is left out: nobody can ask in it."""
    for one in units:
        try:
            unit = errand.units.from_sap(one.unit)
        except UnitUnknown:
            continue
        numerator, denominator = tidy(one.numerator, errand), tidy(one.denominator, errand)
        if numerator <= 0 or denominator <= 0:
            raise errand.unreadable("a unit of a material has no ratio to its base unit")
        yield UnitRatio(unit, numerator, denominator)


def _plant_data(read: wire_goods.ProductPlant, errand: SapErrand) -> PlantData:
    planning = read.planning or wire_goods.SupplyPlanning()
    return PlantData(
        material=read.material,
        plant=read.plant,
        base_unit=reading.unit_of((read.base_unit,), errand),
        made_here=read.procurement in ("E", "X"),
        bought=read.procurement in ("F", "X"),
        status=read.status,
        deleted=read.deleted,
        replenishment_days=int(tidy(planning.replenishment_days, errand)),
        delivery_days=int(tidy(planning.delivery_days, errand)),
        smallest_lot=tidy(read.smallest_lot, errand),
        availability_group=read.availability_group,
    )
