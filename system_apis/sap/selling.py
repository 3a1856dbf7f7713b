"""How a material is sold in a sales area: the unit orders are counted in, and the least that is sold."""

from __future__ import annotations

import time
from collections.abc import Iterable
from decimal import Decimal

import httpx
import msgspec

from system_apis.bodies import decoded, tidy
from system_apis.deadline import Deadline
from system_apis.errors import NotFoundInSystem, SystemRefused
from system_apis.sap import odata, reading, wire_goods
from system_apis.sap.asking import SapErrand
from system_apis.sap.batch import PartAnswer
from system_apis.sap.goods import Product, SoldAs
from system_apis.sap.masterdata import Products
from system_apis.sap.models import SalesArea
from system_apis.sap.service import Service
from system_apis.sap.wire import Envelope, names

KEPT_S = 600.0
_MOST_KEPT = 5000
_SALES = msgspec.json.Decoder(Envelope[wire_goods.ProductSales])
_Key = tuple[str, SalesArea]
_Read = wire_goods.ProductSales | None


class Selling:
    """A_ProductSalesDelivery of API_PRODUCT_SRV, beside the materials themselves."""

    def __init__(self, service: Service, products: Products) -> None:
        self._service = service
        self._products = products
        self._kept: dict[_Key, tuple[float, _Read]] = {}

    async def sold(
        self, materials: Iterable[str], area: SalesArea, deadline: Deadline
    ) -> dict[str, SoldAs | SystemRefused]:
        """How each is sold, or why SAP does not know it. A material without sales data there is counted in its base
        unit; whether it may be sold at all is for SAP to say when the order is simulated."""
        wanted = list(dict.fromkeys(materials))
        products = await self._products.known(wanted, deadline)
        errand = self._service.errand("read how materials are sold")
        read = await self._read(
            [name for name in wanted if isinstance(products[name], Product)], area, errand, deadline
        )
        return {name: _sold(one, read.get(name), errand) for name, one in products.items()}

    async def _read(
        self, materials: list[str], area: SalesArea, errand: SapErrand, deadline: Deadline
    ) -> dict[str, _Read]:
        fresh_since = time.monotonic() - KEPT_S
        found = {
            name: kept[1]
            for name in materials
            if (kept := self._kept.get((name, area))) is not None and kept[0] >= fresh_since
        }
        missing = [name for name in materials if name not in found]
        if missing:
            parts = await self._service.look_up([_path(name, area) for name in missing], errand, deadline)
            for name, part in zip(missing, parts, strict=True):
                found[name] = self._one(part, errand)
                self._keep((name, area), found[name])
        return found

    def _one(self, part: PartAnswer, errand: SapErrand) -> _Read:
        if httpx.codes.is_success(part.status):
            return decoded(_SALES, part.body, errand).d
        failure = self._service.failure(part.status, part.body, errand)
        if isinstance(failure, NotFoundInSystem):
            return None
        raise failure

    def _keep(self, key: _Key, read: _Read) -> None:
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (time.monotonic(), read)


def _path(material: str, area: SalesArea) -> str:
    key = odata.entity(
        "A_ProductSalesDelivery",
        Product=material,
        ProductSalesOrg=area.sales_organization,
        ProductDistributionChnl=area.distribution_channel,
    )
    return f"{key}{odata.query(select=','.join(names(wire_goods.ProductSales)))}"


def _sold(product: Product | SystemRefused, read: _Read, errand: SapErrand) -> SoldAs | SystemRefused:
    if not isinstance(product, Product):
        return product
    if read is None:
        return SoldAs(product, product.base_unit, Decimal(0), errand.units.decimals(product.base_unit))
    unit = reading.unit_of((read.sales_unit,), errand) if read.sales_unit else product.base_unit
    return SoldAs(product, unit, tidy(read.minimum, errand), errand.units.decimals(unit))
