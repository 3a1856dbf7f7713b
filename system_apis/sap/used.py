"""What we use of SAP, service by service: the one declaration that a drift check compares with the live metadata.

What is read follows from the wire classes, because they also make the `$select`; what is sent is named here, and a test
holds what `writing.py` sends against it.
"""

from __future__ import annotations

from system_apis.sap import availability, engineering, masterdata, orders, simulator, supply, wire, wire_goods
from system_apis.sap.books import SalesOrderApi
from system_apis.sap.uses import ServiceUse, Use
from system_apis.sap.v4 import used as v4
from system_apis.sap.wire import names

_HEADER = (
    "SalesOrderType",
    "SalesOrganization",
    "DistributionChannel",
    "OrganizationDivision",
    "SoldToParty",
    "RequestedDeliveryDate",
    "ReferenceSDDocument",
)
_ITEM = (
    "SalesOrderItem",
    "Material",
    "RequestedQuantity",
    "RequestedQuantityUnit",
    "ReferenceSDDocument",
    "ReferenceSDDocumentItem",
)
_SCHEDULE_ITEM = ("RequestedDeliveryDate", "ScheduleLineOrderQuantity")


def used(reference_field: str, sales_orders: SalesOrderApi = "v2") -> tuple[ServiceUse, ...]:
    """`reference_field` is where this instance keeps our reference in an order, `sales_orders` how it serves orders."""
    book = _orders(reference_field) if sales_orders == "v2" else v4.used(reference_field)
    return (book, _simulation(), *_GOODS)


def _orders(reference_field: str) -> ServiceUse:
    order = wire.order_type(reference_field)
    blocks = ("RequestedDeliveryDate", "DeliveryBlockReason", "HeaderBillingBlockReason", "PurchaseOrderByCustomer")
    return ServiceUse(
        orders.SERVICE,
        (
            Use(
                "A_SalesOrder",
                read=names(order),
                create=(*_HEADER, "PurchaseOrderByCustomer", reference_field),
                update=blocks,
                filter=(reference_field, "SoldToParty"),
            ),
            Use(
                "A_SalesOrder/to_Item",
                read=names(wire.Item),
                create=(*_ITEM, "ProductionPlant"),
                update=("RequestedQuantity", "RequestedQuantityUnit", "ProductionPlant", "SalesDocumentRjcnReason"),
            ),
            Use(
                "A_SalesOrder/to_Item/to_ScheduleLine",
                read=names(wire.ScheduleLine),
                create=(*_SCHEDULE_ITEM, "DelivBlockReasonForSchedLine"),
                update=(*_SCHEDULE_ITEM, "DelivBlockReasonForSchedLine"),
            ),
            Use("A_SalesOrder/to_Partner", read=names(wire.Partner), create=("PartnerFunction", "Customer")),
        ),
    )


def _simulation() -> ServiceUse:
    root = "A_SalesOrderSimulation"
    return ServiceUse(
        simulator.SERVICE,
        (
            Use(root, read=names(wire.SimulatedOrder), create=(*_HEADER, "SalesOrder")),
            Use(f"{root}/to_Pricing", read=names(wire.SimulatedPricing)),
            Use(f"{root}/to_Credit", read=names(wire.SimulatedCredit)),
            Use(f"{root}/to_PricingElement", read=names(wire.PriceElement)),
            Use(f"{root}/to_Item", read=names(wire.SimulatedItem), create=(*_ITEM, "Plant")),
            Use(f"{root}/to_Item/to_PricingElement", read=names(wire.PriceElement)),
            Use(
                f"{root}/to_Item/to_ScheduleLine",
                read=names(wire.SimulatedScheduleLine),
                create=_SCHEDULE_ITEM,
            ),
        ),
    )


_PLACE = ("Material", "SupplyingPlant", "ATPCheckingRule")
_GOODS = (
    ServiceUse(
        availability.SERVICE,
        functions={
            availability.AT: (*_PLACE, "RequestedUTCDateTime"),
            availability.OF: (*_PLACE, "RequestedQuantityInBaseUnit"),
            availability.SERIES: _PLACE,
        },
    ),
    ServiceUse(
        masterdata.PRODUCTS,
        (
            Use("A_Product", read=names(wire_goods.Product)),
            Use("A_Product/to_ProductUnitsOfMeasure", read=names(wire_goods.AlternativeUnit)),
            Use("A_ProductPlant", read=names(wire_goods.ProductPlant)),
            Use("A_ProductSalesDelivery", read=names(wire_goods.ProductSales)),
            Use("A_ProductPlant/to_ProductSupplyPlanning", read=names(wire_goods.SupplyPlanning)),
        ),
    ),
    ServiceUse(
        masterdata.PARTNERS,
        (
            Use("A_Customer", read=names(wire_goods.Customer)),
            Use("A_CustomerSalesArea", read=names(wire_goods.CustomerSalesArea)),
            Use("A_CustomerSalesArea/to_PartnerFunction", read=names(wire_goods.PartnerFunction)),
        ),
    ),
    ServiceUse(
        supply.STOCKS,
        (
            Use(
                "A_MatlStkInAcctMod",
                read=names(wire_goods.StockRow),
                filter=("Material", "Plant", "InventoryStockType"),
            ),
        ),
    ),
    ServiceUse(
        supply.PRODUCTION,
        (Use("A_ProductionOrder_2", read=names(wire_goods.ProductionOrder), filter=("SalesOrder",)),),
    ),
    ServiceUse(
        engineering.BILLS,
        (Use("MaterialBOM", read=names(wire_goods.MaterialBill), filter=("Material", "Plant")),),
    ),
    ServiceUse(
        engineering.ROUTINGS,
        (
            Use(
                "ProductionRoutingMatlAssgmt",
                read=names(wire_goods.RoutingAssignment),
                filter=("Product", "Plant"),
            ),
            Use(
                "ProductionRoutingHeader",
                read=names(wire_goods.RoutingHeader),
                filter=("ProductionRoutingGroup", "ProductionRouting"),
            ),
        ),
    ),
    ServiceUse(
        supply.DELIVERIES,
        (
            Use("A_OutbDeliveryItem", read=names(wire_goods.DeliveryItem), filter=("ReferenceSDDocument",)),
            Use("A_OutbDeliveryHeader", read=names(wire_goods.DeliveryHeader), filter=("DeliveryDocument",)),
        ),
    ),
)
