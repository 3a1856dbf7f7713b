"""The fields that sales orders and simulations show alike."""

from __future__ import annotations

from decimal import Decimal

from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.world.materials import UNITS
from system_apis.sandbox.world.orders import Item, Order, ScheduleLine, Value
from system_apis.sandbox.world.plants import SALES_AREA


def header(changes: Changes, order: Order) -> dict[str, Value]:
    organization, channel, division = SALES_AREA
    return {
        "SalesOrderDate": order.created,
        "PricingDate": order.created,
        "ShippingCondition": "01",
        "CustomerPaymentTerms": "NT30",
        **order.other,
        "SalesOrder": order.number,
        "SalesOrderType": "OR",
        "SalesOrganization": organization,
        "DistributionChannel": channel,
        "OrganizationDivision": division,
        "SoldToParty": order.customer,
        "RequestedDeliveryDate": order.requested,
        "TransactionCurrency": changes.world.customers[order.customer].currency,
    }


def statuses(order: Order) -> dict[str, Value]:
    """Of the order as a whole: A nothing, B partly, C complete; delivered is as good as done here."""
    alive, all_items = len(order.living), len(order.items)
    rejection = "A" if alive == all_items else "B" if alive else "C"
    found = {item.delivery_status for item in order.living}
    delivery = "" if not found else found.pop() if len(found) == 1 else "B"
    return {
        "OverallDeliveryStatus": delivery,
        "OverallTotalDeliveryStatus": delivery,
        "OverallSDProcessStatus": delivery or ("C" if all_items else "A"),
        "OverallSDDocumentRejectionSts": rejection,
    }


def item(changes: Changes, order: Order, line: Item) -> dict[str, Value]:
    material = changes.world.materials[line.material]
    unit = UNITS[line.unit]
    return {
        "SalesOrderItemText": material.text,
        "PurchaseOrderByCustomer": order.other.get("PurchaseOrderByCustomer", ""),
        "PurchaseOrderByShipToParty": order.other.get("PurchaseOrderByShipToParty", ""),
        "CustomerPaymentTerms": "NT30",
        **line.other,
        "SalesOrder": order.number,
        "SalesOrderItem": line.number,
        "SalesOrderItemCategory": "TAC" if material.configurable else "TAN",
        "Material": material.number,
        "MaterialGroup": material.group,
        "RequestedQuantity": quantity(line.quantity, line.unit),
        "RequestedQuantityUnit": unit.external,
        "RequestedQuantitySAPUnit": unit.sap,
        "RequestedQuantityISOUnit": unit.iso,
        **order_unit(line.unit),
        "ConfdDelivQtyInOrderQtyUnit": quantity(line.confirmed, line.unit),
        "TransactionCurrency": changes.world.customers[order.customer].currency,
        "NetAmount": line.net,
        "TaxAmount": line.tax,
        "SalesDocumentRjcnReason": line.rejection,
    }


def schedule_line(order: Order, line: Item, piece: ScheduleLine) -> dict[str, Value]:
    delivered = line.delivered if piece is line.schedule[0] else Decimal(0)
    return {
        "SalesOrder": order.number,
        "SalesOrderItem": line.number,
        "ScheduleLine": piece.number,
        "RequestedDeliveryDate": line.requested,
        "ConfirmedDeliveryDate": piece.day,
        **order_unit(line.unit),
        "ScheduleLineOrderQuantity": quantity(piece.ordered, line.unit),
        "ConfdOrderQtyByMatlAvailCheck": quantity(piece.confirmed, line.unit),
        "DeliveredQtyInOrderQtyUnit": quantity(delivered, line.unit),
        "OpenConfdDelivQtyInOrdQtyUnit": quantity(piece.confirmed - delivered, line.unit),
        "CorrectedQtyInOrderQtyUnit": quantity(piece.ordered, line.unit),
    }


def order_unit(unit: str) -> dict[str, Value]:
    spelt = UNITS[unit]
    return {"OrderQuantityUnit": spelt.external, "OrderQuantitySAPUnit": spelt.sap, "OrderQuantityISOUnit": spelt.iso}


def quantity(value: Decimal, unit: str) -> Decimal:
    """Printed with the decimals of the unit, whatever the field's scale."""
    return value.quantize(Decimal(1).scaleb(-UNITS[unit].decimals))
