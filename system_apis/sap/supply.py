"""What is there and what is on its way: stock, production orders and deliveries, for views and for change options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import httpx
import msgspec

from system_apis.bodies import decoded, tidy
from system_apis.deadline import Deadline
from system_apis.errors import UpstreamError
from system_apis.sap import odata, reading, wire_goods
from system_apis.sap.asking import SapErrand
from system_apis.sap.batch import PartAnswer
from system_apis.sap.goods import Delivery, DeliveryItem, Master, Place, ProductionOrder, ProductionState, Stock
from system_apis.sap.masterdata import Products
from system_apis.sap.service import Service
from system_apis.sap.wire import Envelope, Results, names

STOCKS = "API_MATERIAL_STOCK_SRV"
PRODUCTION = "API_PRODUCTION_ORDER_2_SRV"
DELIVERIES = "API_OUTBOUND_DELIVERY_SRV"
UNRESTRICTED = "01"
_NUMBER_WIDTH = 10
_HEADERS_AT_ONCE = 20
_ROWS = msgspec.json.Decoder(Envelope[Results[wire_goods.StockRow]])
_PRODUCTION = msgspec.json.Decoder(Envelope[Results[wire_goods.ProductionOrder]])
_ITEMS = msgspec.json.Decoder(Envelope[Results[wire_goods.DeliveryItem]])
_HEADERS = msgspec.json.Decoder(Envelope[Results[wire_goods.DeliveryHeader]])


async def stock(service: Service, products: Products, material: str, plant: str, deadline: Deadline) -> Stock:
    """Unrestricted stock at a plant, over all its storage locations and batches; stock of somebody's is left out.

    SAP has no row where it has no stock. Then the plant's master data says which unit the nothing is counted in, or
    that the plant does not keep this material at all (NotFoundInSystem): unknown is never zero.
    """
    errand, place = service.errand("read stock"), Place(material, plant)
    rows = await service.collection(_stock_path(place), _ROWS, errand, deadline)
    fetched_at = datetime.now(UTC)
    lying = _lying(place, rows, fetched_at, errand)
    if lying is not None:
        return lying
    unit = (await products.at_plant(material, plant, deadline)).base_unit
    return Stock(material, plant, Decimal(0), unit, fetched_at)


def _stock_path(place: Place) -> str:
    condition = (
        f"Material eq {odata.text(place.material)} and Plant eq {odata.text(place.plant)} "
        f"and InventoryStockType eq {odata.text(UNRESTRICTED)}"
    )
    return f"A_MatlStkInAcctMod{odata.query(filter=condition, select=','.join(names(wire_goods.StockRow)))}"


def _lying(place: Place, rows: Sequence[wire_goods.StockRow], at: datetime, errand: SapErrand) -> Stock | None:
    """The stock that the rows make together; None if there is no row to tell the unit by."""
    free = [row for row in rows if row.kind == UNRESTRICTED and not row.special.strip()]
    if not free:
        return None
    units = {reading.unit_of((row.unit,), errand) for row in free}
    if len(units) != 1:
        raise errand.unreadable("stock of one material is counted in several units")
    quantity = tidy(sum((tidy(row.quantity, errand) for row in free), Decimal(0)), errand)
    return Stock(place.material, place.plant, quantity, units.pop(), at)


async def stocks(
    service: Service, products: Products, places: Sequence[Place], deadline: Deadline
) -> dict[Place, Stock | UpstreamError]:
    """The same for many materials, or why nothing is known, in one `$batch`; one more for those that have no row."""
    errand = service.errand("read stocks")
    parts = await service.look_up([_stock_path(place) for place in places], errand, deadline)
    at = datetime.now(UTC)
    found: dict[Place, Stock | UpstreamError] = {}
    for place, part in zip(places, parts, strict=True):
        try:
            lying = _lying(place, await _rows(service, part, errand, deadline), at, errand)
        except UpstreamError as failure:
            found[place] = failure
        else:
            if lying is not None:
                found[place] = lying
    for place, master in (await products.masters([one for one in places if one not in found], deadline)).items():
        if isinstance(master, Master):
            found[place] = Stock(place.material, place.plant, Decimal(0), master.there.base_unit, at)
        else:
            found[place] = master
    return {place: found[place] for place in places}


async def _rows(
    service: Service, part: PartAnswer, errand: SapErrand, deadline: Deadline
) -> tuple[wire_goods.StockRow, ...]:
    if not httpx.codes.is_success(part.status):
        raise service.failure(part.status, part.body, errand)
    return await service.rest(decoded(_ROWS, part.body, errand).d, _ROWS, errand, deadline)


async def production_orders(service: Service, order: str, deadline: Deadline) -> tuple[ProductionOrder, ...]:
    """What is made for the items of a sales order."""
    errand = service.errand("read production orders")
    condition = odata.either("SalesOrder", order, _NUMBER_WIDTH)
    options = odata.query(filter=condition, select=",".join(names(wire_goods.ProductionOrder)))
    found = await service.collection(f"A_ProductionOrder_2{options}", _PRODUCTION, errand, deadline)
    return tuple(_production(one, errand) for one in found if odata.stripped(one.order) == odata.stripped(order))


async def deliveries(service: Service, order: str, deadline: Deadline) -> tuple[Delivery, ...]:
    """The outbound deliveries that take from a sales order, each with its items of this order."""
    errand = service.errand("read deliveries")
    condition = odata.either("ReferenceSDDocument", order, _NUMBER_WIDTH)
    options = odata.query(filter=condition, select=",".join(names(wire_goods.DeliveryItem)))
    read = await service.collection(f"A_OutbDeliveryItem{options}", _ITEMS, errand, deadline)
    items: dict[str, list[wire_goods.DeliveryItem]] = {}
    for one in read:
        if odata.stripped(one.order) == odata.stripped(order):
            items.setdefault(one.delivery, []).append(one)
    headers = await _headers(service, tuple(items), errand, deadline)
    missing = [number for number in items if odata.stripped(number) not in headers]
    if missing:
        raise errand.unreadable(f"delivery {odata.stripped(missing[0])} has items and no header")
    return tuple(_delivery(headers[odata.stripped(number)], ours, errand) for number, ours in items.items())


async def _headers(
    service: Service, numbers: Sequence[str], errand: SapErrand, deadline: Deadline
) -> dict[str, wire_goods.DeliveryHeader]:
    found: dict[str, wire_goods.DeliveryHeader] = {}
    for start in range(0, len(numbers), _HEADERS_AT_ONCE):
        some = numbers[start : start + _HEADERS_AT_ONCE]
        condition = " or ".join(f"DeliveryDocument eq {odata.text(number)}" for number in some)
        options = odata.query(filter=condition, select=",".join(names(wire_goods.DeliveryHeader)))
        for one in await service.collection(f"A_OutbDeliveryHeader{options}", _HEADERS, errand, deadline):
            found[odata.stripped(one.number)] = one
    return found


def _production(read: wire_goods.ProductionOrder, errand: SapErrand) -> ProductionOrder:
    return ProductionOrder(
        number=odata.stripped(read.number),
        order=odata.stripped(read.order),
        item=odata.stripped(read.item),
        material=read.material,
        plant=read.plant,
        quantity=tidy(read.quantity, errand),
        made=tidy(read.made, errand),
        unit=reading.unit_of((read.unit, read.sap_unit, read.iso_unit), errand),
        state=production_state(read),
        scheduled_end=_day(read.scheduled_end, errand),
    )


def production_state(read: wire_goods.ProductionOrder) -> ProductionState:
    """The furthest of what has happened to it."""
    if read.deleted or read.marked:
        return "deleted"
    if read.completed or read.closed or read.delivered or read.confirmed:
        return "finished"
    if read.partly_confirmed or read.partly_delivered or read.made > 0:
        return "started"
    return "released" if read.released or read.partly_released else "created"


def _delivery(
    header: wire_goods.DeliveryHeader, items: Iterable[wire_goods.DeliveryItem], errand: SapErrand
) -> Delivery:
    return Delivery(
        number=odata.stripped(header.number),
        block=header.block,
        planned_date=_day(header.planned, errand),
        issued_date=_day(header.issued, errand),
        delivery_date=_day(header.delivery, errand),
        items=tuple(
            DeliveryItem(
                item=odata.stripped(one.item),
                material=one.material,
                quantity=tidy(one.quantity, errand),
                unit=reading.unit_of((one.unit,), errand),
                picking=reading.progress(one.picking, errand),
                issued=reading.progress(one.issued, errand),
            )
            for one in items
        ),
    )


def _day(value: str | None, errand: SapErrand) -> date | None:
    return odata.day(value, errand) if value else None
