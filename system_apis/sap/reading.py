"""From SAP's answers to our words: the one place where codes, dates, units and numbers are judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from system_apis.bodies import tidy
from system_apis.errand import Errand
from system_apis.sap import models, odata, wire
from system_apis.sap.complaints import Entry
from system_apis.sap.units import UnitUnknown, from_sap

Delivery = Literal["notRelevant", "open", "partial", "complete"]
_DELIVERY: Mapping[str, Delivery] = {"": "notRelevant", "A": "open", "B": "partial", "C": "complete"}
_CREDIT: Mapping[str, models.CreditState] = {
    "": "notChecked",
    "A": "ok",
    "B": "blocked",
    "C": "blocked",
    "D": "released",
}
# Every simulation carries this warning; it says nothing about the order.
_ALWAYS_THERE = "SLS_LORD/098"


def order(read: wire.Order, errand: Errand, header_etag: str | None = None) -> models.Order:
    etag = read.metadata.etag or header_etag
    if not etag:
        raise errand.unreadable("an order without an ETag")
    requested = odata.day(read.requested, errand) if read.requested else None
    return models.Order(
        number=odata.stripped(read.number),
        etag=etag,
        reference=read.reference,
        customer_po=read.customer_po,
        sold_to=odata.stripped(read.sold_to),
        sales_area=models.SalesArea(read.sales_organization, read.distribution_channel, read.division),
        requested_date=requested,
        currency=read.currency,
        net_amount=_amount(read.net_amount, errand),
        credit=credit(read.credit, errand),
        delivery_block=read.delivery_block,
        billing_block=read.billing_block,
        delivery_status=_delivery(read.delivery_status, errand),
        changed_at=odata.instant(read.changed_at, errand),
        items=tuple(_item(item, requested, errand) for item in read.items.results),
    )


def _item(read: wire.Item, header_date: date | None, errand: Errand) -> models.OrderItem:
    unit = _unit((read.unit, read.sap_unit, read.iso_unit), errand)
    return models.OrderItem(
        item=odata.stripped(read.number),
        material=read.material,
        plant=read.plant,
        quantity=tidy(read.quantity, errand),
        unit=unit,
        net_amount=_amount(read.net_amount, errand),
        rejection_reason=read.rejection_reason,
        delivery_status=_delivery(read.delivery_status, errand),
        confirmations=tuple(_confirmation(line, unit, header_date, errand) for line in read.schedule.results),
        schedule_lines=tuple(odata.stripped(line.number) for line in read.schedule.results),
    )


def _confirmation(read: wire.ScheduleLine, unit: str, header_date: date | None, errand: Errand) -> models.Confirmation:
    if read.unit and _unit((read.unit,), errand) != unit:
        raise errand.unreadable("a schedule line counts in another unit than its item")
    requested = odata.day(read.requested, errand) if read.requested else header_date
    if requested is None:
        raise errand.unreadable("a schedule line without a requested date")
    confirmed = tidy(read.confirmed_quantity, errand)
    promised = odata.day(read.confirmed, errand) if read.confirmed and confirmed > 0 else None
    if confirmed > 0 and promised is None:
        raise errand.unreadable("a confirmed quantity without a date")
    return models.Confirmation(requested, promised, tidy(read.ordered_quantity, errand), confirmed)


def simulation(
    read: wire.SimulatedOrder,
    asked: Mapping[str, models.Demand],
    refused: Mapping[str, models.SourceMessage],
    warnings: tuple[Entry, ...],
    errand: Errand,
) -> models.Simulation:
    """`asked` by item number. Items nobody asked for (a bill of material exploded, free goods) carry no promise of
    ours, only their share of the price."""
    answered = {odata.stripped(item.number): item for item in read.items.results}
    if asked.keys() - answered.keys():
        raise errand.unreadable("the simulation does not answer every item that was asked")
    pricing = read.pricing or wire.SimulatedPricing(
        sum((item.net_amount for item in read.items.results), Decimal(0)), read.currency
    )
    return models.Simulation(
        lines=tuple(_simulated(answered[number], demand, errand) for number, demand in asked.items()),
        refused=dict(refused),
        net_amount=_amount(pricing.net_amount, errand),
        tax_amount=_amount(sum((item.tax_amount for item in read.items.results), Decimal(0)), errand),
        currency=pricing.currency or read.currency,
        credit=credit(read.credit.status if read.credit else "", errand),
        warnings=tuple(models.SourceMessage(one.code, one.message) for one in warnings if one.code != _ALWAYS_THERE),
        fetched_at=datetime.now(UTC),
    )


def _simulated(read: wire.SimulatedItem, demand: models.Demand, errand: Errand) -> models.SimulatedLine:
    unit = _unit((read.unit, read.sap_unit, read.iso_unit), errand)
    if unit != demand.unit:
        raise errand.unreadable(f"{demand.unit} was asked and {unit} answered")
    schedule = read.schedule.results
    return models.SimulatedLine(
        line_id=demand.line_id,
        material=read.material,
        plant=read.plant,
        quantity=tidy(read.quantity, errand),
        unit=unit,
        net_amount=_amount(read.net_amount, errand),
        tax_amount=_amount(read.tax_amount, errand),
        confirmations=tuple(_confirmation(line, unit, demand.requested_date, errand) for line in schedule),
    )


def credit(status: str, errand: Errand) -> models.CreditState:
    if status not in _CREDIT:
        raise errand.unreadable(f"the credit status {status[:4]!r} is unknown")
    return _CREDIT[status]


def _delivery(status: str, errand: Errand) -> Delivery:
    if status not in _DELIVERY:
        raise errand.unreadable(f"the delivery status {status[:4]!r} is unknown")
    return _DELIVERY[status]


def _unit(names: tuple[str, ...], errand: Errand) -> str:
    """The first of SAP's names that we know: the commercial one depends on the language, the ISO one may be unset."""
    for name in names:
        try:
            return from_sap(name)
        except UnitUnknown:
            continue
    raise errand.unreadable(f"the unit {names[0][:6]!r} of the ERP is unknown here")


def _amount(amount: Decimal, errand: Errand) -> Decimal:
    """Money keeps the decimals SAP prints: they are the currency's."""
    tidy(amount, errand)
    return amount
