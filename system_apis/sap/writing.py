"""From our words to what SAP is sent: bodies of simulations, orders and changes. Read-only fields are never sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from system_apis.sap import odata
from system_apis.sap.batch import Part
from system_apis.sap.models import Demand, ItemChange, NewOrder, OrderPatch, SalesArea, ScheduleChange
from system_apis.sap.units import STANDARD, Units

SHIP_TO = "SH"
"""The partner function of the ship-to party, as SAP names it in English (internally WE)."""
FIRST_SCHEDULE_LINE = "1"
_ITEM_STEP = 10


def numbered(lines: Iterable[Demand]) -> dict[str, Demand]:
    """The lines by the item numbers we give them: 10, 20, 30 …, as SAP itself would."""
    return {str(place * _ITEM_STEP): line for place, line in enumerate(lines, start=1)}


def simulation(
    sold_to: str,
    area: SalesArea,
    items: Mapping[str, Demand],
    order_type: str,
    order: str | None,
    *,
    with_elements: bool = False,
    ship_to: str | None = None,
    units: Units = STANDARD,
) -> dict[str, Any]:
    """A navigation is answered only if the request names it: hence the empty pricing, credit and schedule lines, and
    the price elements where somebody wants to see how a price came about.

    The date is the header's. A line that wants another one says so in a schedule line of its own.
    """
    header_date = min(line.requested_date for line in items.values())
    elements: dict[str, Any] = {"to_PricingElement": []} if with_elements else {}
    body: dict[str, Any] = {
        **header(sold_to, area, order_type),
        **_followed(items.values()),
        "RequestedDeliveryDate": odata.written_day(header_date),
        "to_Pricing": {},
        "to_Credit": {},
        **elements,
        "to_Item": [
            {
                **_item(line, number, units),
                **({"Plant": line.plant} if line.plant else {}),
                "to_ScheduleLine": [] if line.requested_date == header_date else [_wish(line)],
                **elements,
            }
            for number, line in items.items()
        ],
    }
    if order is not None:
        body["SalesOrder"] = order
    if ship_to is not None and ship_to != sold_to:
        body["to_Partner"] = [{"PartnerFunction": SHIP_TO, "Customer": ship_to}]
    return body


def new_order(order: NewOrder, order_type: str, reference_field: str, units: Units = STANDARD) -> dict[str, Any]:
    """A deep insert. Schedule lines can't be part of it: a line's own date is set by a change once the order exists."""
    body: dict[str, Any] = {
        **header(order.sold_to, order.sales_area, order_type),
        **_followed(order.lines),
        "PurchaseOrderByCustomer": order.customer_po,
        reference_field: order.reference,
        "RequestedDeliveryDate": odata.written_day(order.requested_date),
        "to_Item": [_order_item(line, number, units) for number, line in numbered(order.lines).items()],
    }
    if order.ship_to != order.sold_to:
        body["to_Partner"] = [{"PartnerFunction": SHIP_TO, "Customer": order.ship_to}]
    return body


def change(patch: OrderPatch, unchanged_customer_po: str, units: Units = STANDARD) -> tuple[Part, ...]:
    """One changeset: the header with If-Match first, because the header alone has an ETag and so guards the rest.

    Where nothing of the header changes its PATCH re-sends the customer's PO number as it stands: a text that is always
    there (unset is '', where a date would be null) and from which SAP derives neither price, date nor partner. The
    ETag makes sure that it still is what was read, so that re-sending it changes nothing.
    """
    first = header_fields(patch) or {"PurchaseOrderByCustomer": unchanged_customer_po}
    address = odata.entity("A_SalesOrder", SalesOrder=patch.number)
    parts = [_part("PATCH", address, first, {"If-Match": patch.etag})]
    for item in patch.items:
        parts += _item_parts(patch.number, item, units)
    parts += [_part("POST", f"{address}/to_Item", _order_item(line, None, units)) for line in patch.added]
    return tuple(parts)


def header_fields(patch: OrderPatch) -> dict[str, Any]:
    """What the patch changes at the header itself."""
    wanted = {
        "RequestedDeliveryDate": patch.requested_date and odata.written_day(patch.requested_date),
        "DeliveryBlockReason": patch.delivery_block,
        "HeaderBillingBlockReason": patch.billing_block,
        "PurchaseOrderByCustomer": patch.customer_po,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _item_parts(order: str, item: ItemChange, units: Units) -> list[Part]:
    """Quantity, plant and rejection belong to the item, the requested date to its schedule line (in version 2 the item
    has none). Without a schedule line named, the first one is meant: it holds the customer's wish."""
    parts = []
    fields: dict[str, Any] = {}
    if item.quantity is not None:
        fields["RequestedQuantity"] = odata.written_decimal(item.quantity)
        if item.unit is not None:
            fields["RequestedQuantityUnit"] = units.to_sap(item.unit)
    if item.plant is not None:
        fields["ProductionPlant"] = item.plant
    if item.reject is not None:
        fields["SalesDocumentRjcnReason"] = item.reject
    if fields:
        parts.append(_part("PATCH", _item_address(order, item.item), fields))
    if item.requested_date is not None:
        line = item.schedule_line or FIRST_SCHEDULE_LINE
        parts.append(_schedule_part(order, item.item, ScheduleChange(line, item.requested_date)))
    parts += [_schedule_part(order, item.item, each) for each in item.schedule]
    return parts


def _schedule_part(order: str, item: str, wanted: ScheduleChange) -> Part:
    fields: dict[str, Any] = {}
    if wanted.requested_date is not None:
        fields["RequestedDeliveryDate"] = odata.written_day(wanted.requested_date)
    if wanted.quantity is not None:
        fields["ScheduleLineOrderQuantity"] = odata.written_decimal(wanted.quantity)
    if wanted.block is not None:
        fields["DelivBlockReasonForSchedLine"] = wanted.block
    if wanted.line is None:
        return _part("POST", f"{_item_address(order, item)}/to_ScheduleLine", fields)
    line = odata.entity("A_SalesOrderScheduleLine", SalesOrder=order, SalesOrderItem=item, ScheduleLine=wanted.line)
    return Part("DELETE", line) if wanted.removed else _part("PATCH", line, fields)


def _item_address(order: str, item: str) -> str:
    return odata.entity("A_SalesOrderItem", SalesOrder=order, SalesOrderItem=item)


def _part(method: str, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Part:
    return Part(method, path, msgspec.json.encode(body), headers or {})


def header(sold_to: str, area: SalesArea, order_type: str) -> dict[str, Any]:
    return {
        "SalesOrderType": order_type,
        "SalesOrganization": area.sales_organization,
        "DistributionChannel": area.distribution_channel,
        "OrganizationDivision": area.division,
        "SoldToParty": sold_to,
    }


def _item(line: Demand, number: str | None, units: Units) -> dict[str, Any]:
    return {
        **({"SalesOrderItem": number} if number else {}),
        "Material": line.material,
        "RequestedQuantity": odata.written_decimal(line.quantity),
        "RequestedQuantityUnit": units.to_sap(line.unit),
        **_preceding(line),
    }


def _preceding(line: Demand) -> dict[str, Any]:
    if line.follows is None:
        return {}
    return {"ReferenceSDDocument": line.follows.document, "ReferenceSDDocumentItem": line.follows.item}


def _followed(lines: Iterable[Demand]) -> dict[str, Any]:
    """The quotation an order as a whole follows: SAP wants it at the header too. Several have no common header."""
    documents = {line.follows.document for line in lines if line.follows is not None}
    return {"ReferenceSDDocument": documents.pop()} if len(documents) == 1 else {}


def _order_item(line: Demand, number: str | None, units: Units) -> dict[str, Any]:
    return {**_item(line, number, units), **({"ProductionPlant": line.plant} if line.plant else {})}


def _wish(line: Demand) -> dict[str, Any]:
    return {
        "RequestedDeliveryDate": odata.written_day(line.requested_date),
        "ScheduleLineOrderQuantity": odata.written_decimal(line.quantity),
    }
