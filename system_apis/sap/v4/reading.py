"""From version 4's answers about orders to our words. What a code, a unit or an amount means is judged where version 2
judges it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from msgspec import structs

from system_apis.bodies import tidy
from system_apis.sap import models, reading
from system_apis.sap.asking import SapErrand
from system_apis.sap.complaints import Entry
from system_apis.sap.odata import stripped
from system_apis.sap.v4 import wire

_ZERO = Decimal(0)


def order(
    read: wire.Order, errand: SapErrand, header_etag: str | None = None, warnings: tuple[Entry, ...] = ()
) -> models.Order:
    etag = read.etag or header_etag
    if not etag:
        raise errand.unreadable("an order without an ETag")
    return models.Order(
        number=stripped(read.number),
        etag=etag,
        reference=read.reference,
        customer_po=read.customer_po,
        sold_to=stripped(read.sold_to),
        sales_area=models.SalesArea(read.sales_organization, read.distribution_channel, read.division),
        requested_date=read.requested,
        currency=read.currency,
        net_amount=reading.amount(read.net_amount, errand),
        credit=reading.credit(read.credit, errand),
        delivery_block=read.delivery_block,
        billing_block=read.billing_block,
        delivery_status=reading.progress(read.delivery_status, errand),
        changed_at=read.changed_at,
        items=tuple(_item(item, read.requested, errand) for item in read.items or ()),
        ship_to=reading.ship_to((one.customer or "", {one.function}) for one in read.partners or ()),
        approval=reading.approval(read.approval),
        status=reading.progress(read.status, errand),
        rejected=reading.rejected(read.rejected),
        warnings=reading.messages(warnings),
    )


def _item(read: wire.Item, header_date: date | None, errand: SapErrand) -> models.OrderItem:
    unit = reading.unit_of((read.sap_unit, read.iso_unit), errand)
    lines = read.schedule or ()
    return models.OrderItem(
        item=stripped(read.number),
        material=read.product,
        plant=read.plant,
        quantity=tidy(read.quantity, errand),
        unit=unit,
        net_amount=reading.amount(read.net_amount, errand),
        rejection_reason=read.rejection_reason,
        delivery_status=reading.progress(read.delivery_status, errand),
        confirmations=tuple(_saved(line, unit, read.requested or header_date, errand) for line in lines),
        schedule_lines=tuple(stripped(line.number) for line in lines),
        delivered=tidy(sum((line.delivered_quantity for line in lines), _ZERO), errand),
        billing_block=read.billing_block,
        parent=reading.parent(read.parent or ""),
    )


def _saved(read: wire.ScheduleLine, unit: str, wish: date | None, errand: SapErrand) -> models.Confirmation:
    if (read.sap_unit or read.iso_unit) and reading.unit_of((read.sap_unit, read.iso_unit), errand) != unit:
        raise errand.unreadable("a schedule line counts in another unit than its item")
    promised = reading.confirmation(
        read.requested or wish,
        read.confirmed,
        read.ordered_quantity or _ZERO,
        read.confirmed_quantity or _ZERO,
        errand,
    )
    return structs.replace(promised, delivered=tidy(read.delivered_quantity, errand), block=read.block)
