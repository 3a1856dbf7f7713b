"""What we use of CE_SALESORDER_0001, for the drift check; a test holds what `writing.py` sends against it."""

from __future__ import annotations

from system_apis.sap.dialect import SALES_ORDER_V4
from system_apis.sap.uses import ServiceUse, Use
from system_apis.sap.v4 import orders, wire
from system_apis.sap.wire import DEFAULT_REFERENCE_FIELD

_HEADER = ("SalesOrderType", "SalesOrganization", "DistributionChannel", "OrganizationDivision", "SoldToParty")
_BOTH = ("RequestedDeliveryDate", "PurchaseOrderByCustomer")
_ITEM = ("RequestedQuantity", "RequestedQuantitySAPUnit", "RequestedDeliveryDate", "Plant")


def used(reference_field: str = DEFAULT_REFERENCE_FIELD) -> ServiceUse:
    """`reference_field` is where this instance keeps our reference in an order."""
    return ServiceUse(
        orders.SERVICE,
        (
            Use(
                "SalesOrder",
                read=wire.names(wire.order_type(reference_field)),
                create=(*_HEADER, *_BOTH, reference_field),
                update=(*_BOTH, "DeliveryBlockReason", "HeaderBillingBlockReason"),
                filter=(reference_field, "SoldToParty"),
            ),
            Use(
                "SalesOrder/_Item",
                read=wire.names(wire.Item),
                create=(*_ITEM, "SalesOrderItem", "Product"),
                update=(*_ITEM, "SalesDocumentRjcnReason"),
            ),
            Use("SalesOrder/_Item/_ScheduleLine", read=wire.names(wire.ScheduleLine)),
            Use("SalesOrder/_Partner", read=wire.names(wire.Partner), create=("PartnerFunction", "Customer")),
        ),
        dialect=SALES_ORDER_V4,
    )
