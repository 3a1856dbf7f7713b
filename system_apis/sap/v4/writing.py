"""From our words to what version 4 is sent. Computed fields are never sent, and schedule lines not at all: SAP makes
them from an item's quantity and requested date."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from system_apis.sap import odata
from system_apis.sap.batch import Part
from system_apis.sap.models import Demand, ItemChange, NewOrder, OrderPatch
from system_apis.sap.units import Units
from system_apis.sap.writing import SHIP_TO, header, numbered


class NotInVersion4(ValueError):
    """Something that version 2 can say and version 4, as published, cannot."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def new_order(order: NewOrder, order_type: str, reference_field: str, units: Units) -> dict[str, Any]:
    """A deep insert, each line with the day it is wanted on."""
    body: dict[str, Any] = {
        **header(order.sold_to, order.sales_area, order_type),
        "PurchaseOrderByCustomer": order.customer_po,
        reference_field: order.reference,
        "RequestedDeliveryDate": order.requested_date.isoformat(),
        "_Item": [_order_item(line, number, units) for number, line in numbered(order.lines).items()],
    }
    if order.ship_to != order.sold_to:
        body["_Partner"] = [{"PartnerFunction": SHIP_TO, "Customer": order.ship_to}]
    return body


def change(patch: OrderPatch, units: Units) -> tuple[Part, ...]:
    """The steps of a change in their order: the header, each item once, then what is new. SAP takes one update per
    changeset (KBA 3474176), so that these are as many changes for it as they are steps."""
    address = odata.entity("SalesOrder", SalesOrder=patch.number)
    first = header_fields(patch)
    steps = [_part("PATCH", address, first)] if first else []
    for item, fields in _by_item(patch.items, units).items():
        if fields:
            steps.append(_part("PATCH", item_address(patch.number, item), fields))
    steps += [_part("POST", f"{address}/_Item", _order_item(line, None, units)) for line in patch.added]
    return tuple(steps)


def header_fields(patch: OrderPatch) -> dict[str, Any]:
    wanted = {
        "RequestedDeliveryDate": patch.requested_date and patch.requested_date.isoformat(),
        "DeliveryBlockReason": patch.delivery_block,
        "HeaderBillingBlockReason": patch.billing_block,
        "PurchaseOrderByCustomer": patch.customer_po,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def item_address(order: str, item: str) -> str:
    return odata.entity("SalesOrderItem", SalesOrder=order, SalesOrderItem=item)


def _by_item(changes: tuple[ItemChange, ...], units: Units) -> dict[str, dict[str, Any]]:
    """The fields of each item: what was said of it in several places, its schedule lines included, is one step."""
    said: dict[str, list[ItemChange]] = {}
    for change in changes:
        said.setdefault(change.item, []).append(change)
    return {item: _fields(item, ones, units) for item, ones in said.items()}


def _fields(item: str, said: list[ItemChange], units: Units) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for one in said:
        if one.quantity is not None:
            fields["RequestedQuantity"] = odata.written_decimal(one.quantity)
            if one.unit is not None:
                fields["RequestedQuantitySAPUnit"] = units.to_sap_inside(one.unit)
        if one.plant is not None:
            fields["Plant"] = one.plant
        if one.reject is not None:
            fields["SalesDocumentRjcnReason"] = one.reject
    wish = _wish(item, said)
    return {**fields, "RequestedDeliveryDate": wish.isoformat()} if wish else fields


def _wish(item: str, said: list[ItemChange]) -> date | None:
    """The one day an item is wanted on, however it is said. Schedule lines are read only, but they follow the item."""
    lines = [line for one in said for line in one.schedule]
    for line in lines:
        if line.line is None or line.removed or line.quantity is not None or line.block is not None:
            raise _read_only(item, "schedule lines of its own")
    wishes = [*(one.requested_date for one in said), *(line.requested_date for line in lines)]
    days = {day for day in wishes if day is not None}
    if len(days) > 1:
        raise _read_only(item, "two requested dates")
    return next(iter(days), None)


def _read_only(item: str, what: str) -> NotInVersion4:
    return NotInVersion4(
        "SCHEDULE_READ_ONLY", f"item {item} can't get {what}: schedule lines are read only in version 4"
    )


def _order_item(line: Demand, number: str | None, units: Units) -> dict[str, Any]:
    if line.follows is not None:
        # Sent without it, the item would be made without the configuration that SAP copies from its predecessor.
        text = f"{line.material} follows a quotation item, which version 4 does not take on creation"
        raise NotInVersion4("PREDECESSOR_READ_ONLY", text)
    return {
        **({"SalesOrderItem": number} if number else {}),
        "Product": line.material,
        "RequestedQuantity": odata.written_decimal(line.quantity),
        "RequestedQuantitySAPUnit": units.to_sap_inside(line.unit),
        "RequestedDeliveryDate": line.requested_date.isoformat(),
        **({"Plant": line.plant} if line.plant else {}),
    }


def _part(method: str, path: str, body: dict[str, Any]) -> Part:
    return Part(method, path, msgspec.json.encode(body))
