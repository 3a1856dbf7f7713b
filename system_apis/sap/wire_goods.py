"""SAP's field names for what it knows beside its orders, as the answers carry them. One class per entity set or type.

API_PRODUCT_SRV, API_BUSINESS_PARTNER, API_MATERIAL_STOCK_SRV, API_PRODUCT_AVAILY_INFO_BASIC,
API_PRODUCTION_ORDER_2_SRV, API_OUTBOUND_DELIVERY_SRV, API_BILL_OF_MATERIAL_SRV, API_PRODUCTION_ROUTING. As in
`wire.py`, the fields named here are what is asked for.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, field

from system_apis.sap.wire import Results

_ZERO = Decimal(0)


class AlternativeUnit(Struct, frozen=True):
    unit: str = field(name="AlternativeUnit")
    numerator: Decimal = field(name="QuantityNumerator")
    denominator: Decimal = field(name="QuantityDenominator")


class Product(Struct, frozen=True):
    material: str = field(name="Product")
    base_unit: str = field(name="BaseUnit")
    status: str = field(name="CrossPlantStatus", default="")
    configurable: bool = field(name="ProductIsConfigurable", default=False)
    deleted: bool = field(name="IsMarkedForDeletion", default=False)
    units: Results[AlternativeUnit] = field(name="to_ProductUnitsOfMeasure", default_factory=Results)


class SupplyPlanning(Struct, frozen=True):
    replenishment_days: Decimal = field(name="TotalReplenishmentLeadTime", default=_ZERO)
    delivery_days: Decimal = field(name="PlannedDeliveryDurationInDays", default=_ZERO)


class ProductPlant(Struct, frozen=True):
    """Procurement type: E is made here, F is bought, X is both."""

    material: str = field(name="Product")
    plant: str = field(name="Plant")
    base_unit: str = field(name="BaseUnit", default="")
    procurement: str = field(name="ProcurementType", default="")
    status: str = field(name="ProfileCode", default="")
    deleted: bool = field(name="IsMarkedForDeletion", default=False)
    smallest_lot: Decimal = field(name="MinimumLotSizeQuantity", default=_ZERO)
    availability_group: str = field(name="AvailabilityCheckType", default="")
    planning: SupplyPlanning | None = field(name="to_ProductSupplyPlanning", default=None)


class ProductSales(Struct, frozen=True):
    """The minimum is in base units; no sales unit means the base unit."""

    material: str = field(name="Product")
    sales_unit: str = field(name="SalesMeasureUnit", default="")
    minimum: Decimal = field(name="MinimumOrderQuantity", default=_ZERO)


class MaterialBill(Struct, frozen=True):
    """Usage 1 is production, 3 universal, 5 sales and distribution. Status 1 is active."""

    usage: str = field(name="BillOfMaterialVariantUsage", default="")
    version: str = field(name="BillOfMaterialVersion", default="")
    change: str = field(name="EngineeringChangeDocument", default="")
    status: str = field(name="BillOfMaterialStatus", default="")
    deleted: bool = field(name="IsMarkedForDeletion", default=False)
    valid_from: str | None = field(name="HeaderValidityStartDate", default=None)
    valid_until: str | None = field(name="HeaderValidityEndDate", default=None)


class RoutingAssignment(Struct, frozen=True):
    group: str = field(name="ProductionRoutingGroup")
    counter: str = field(name="ProductionRouting")
    deleted: bool = field(name="IsDeleted", default=False)
    valid_from: str | None = field(name="ValidityStartDate", default=None)
    valid_until: str | None = field(name="ValidityEndDate", default=None)


class RoutingHeader(Struct, frozen=True):
    """Status 4 is released for everything."""

    group: str = field(name="ProductionRoutingGroup")
    counter: str = field(name="ProductionRouting")
    version: str = field(name="ProductionRoutingInternalVers", default="")
    change: str = field(name="ChangeNumber", default="")
    status: str = field(name="BillOfOperationsStatus", default="")
    deleted: bool = field(name="IsMarkedForDeletion", default=False)
    valid_from: str | None = field(name="ValidityStartDate", default=None)
    valid_until: str | None = field(name="ValidityEndDate", default=None)


class Customer(Struct, frozen=True):
    number: str = field(name="Customer")
    name: str = field(name="CustomerName", default="")
    order_block: str = field(name="OrderIsBlockedForCustomer", default="")
    delivery_block: str = field(name="DeliveryIsBlocked", default="")
    billing_block: str = field(name="BillingIsBlockedForCustomer", default="")


class PartnerFunction(Struct, frozen=True):
    function: str = field(name="PartnerFunction")
    customer: str = field(name="BPCustomerNumber", default="")


class CustomerSalesArea(Struct, frozen=True):
    order_block: str = field(name="OrderIsBlockedForCustomer", default="")
    delivery_block: str = field(name="DeliveryIsBlockedForCustomer", default="")
    billing_block: str = field(name="BillingIsBlockedForCustomer", default="")
    currency: str = field(name="Currency", default="")
    plant: str = field(name="SupplyingPlant", default="")
    functions: Results[PartnerFunction] = field(name="to_PartnerFunction", default_factory=Results)


class StockRow(Struct, frozen=True):
    """One of many: stock is kept by storage location, batch and owner. `special` is empty for stock of nobody's. A row
    that leaves one of them out is no row: it would read as nothing, or as everybody's."""

    special: str = field(name="InventorySpecialStockType")
    kind: str = field(name="InventoryStockType")
    unit: str = field(name="MaterialBaseUnit")
    quantity: Decimal = field(name="MatlWrhsStkQtyInMatlBaseUnit")


class AvailabilityRecord(Struct, frozen=True):
    """The metadata calls these plain date-times; they are moments in UTC. The zone beside them is for display."""

    available: Decimal = field(name="AvailableQuantityInBaseUnit")
    unit: str = field(name="BaseUnit")
    since: str | None = field(name="PeriodStartUTCDateTime", default=None)
    until: str | None = field(name="PeriodEndUTCDateTime", default=None)


class ProductionOrder(Struct, frozen=True):
    """The flags are 'X' or '', one each for what has happened to the order; several stand at once."""

    number: str = field(name="ManufacturingOrder")
    order: str = field(name="SalesOrder", default="")
    item: str = field(name="SalesOrderItem", default="")
    material: str = field(name="Material", default="")
    plant: str = field(name="ProductionPlant", default="")
    quantity: Decimal = field(name="TotalQuantity", default=_ZERO)
    made: Decimal = field(name="MfgOrderConfirmedYieldQty", default=_ZERO)
    unit: str = field(name="ProductionUnit", default="")
    sap_unit: str = field(name="ProductionUnitSAPCode", default="")
    iso_unit: str = field(name="ProductionUnitISOCode", default="")
    scheduled_end: str | None = field(name="MfgOrderScheduledEndDate", default=None)
    released: str = field(name="OrderIsReleased", default="")
    partly_released: str = field(name="OrderIsPartiallyReleased", default="")
    confirmed: str = field(name="OrderIsConfirmed", default="")
    partly_confirmed: str = field(name="OrderIsPartiallyConfirmed", default="")
    delivered: str = field(name="OrderIsDelivered", default="")
    partly_delivered: str = field(name="OrderIsPartiallyDelivered", default="")
    completed: str = field(name="OrderIsTechnicallyCompleted", default="")
    closed: str = field(name="OrderIsClosed", default="")
    deleted: str = field(name="OrderIsDeleted", default="")
    marked: str = field(name="OrderIsMarkedForDeletion", default="")


class DeliveryItem(Struct, frozen=True):
    delivery: str = field(name="DeliveryDocument")
    order: str = field(name="ReferenceSDDocument", default="")
    item: str = field(name="ReferenceSDDocumentItem", default="")
    material: str = field(name="Material", default="")
    quantity: Decimal = field(name="ActualDeliveryQuantity", default=_ZERO)
    unit: str = field(name="DeliveryQuantityUnit", default="")
    picking: str = field(name="PickingStatus", default="")
    issued: str = field(name="GoodsMovementStatus", default="")


class DeliveryHeader(Struct, frozen=True):
    number: str = field(name="DeliveryDocument")
    block: str = field(name="DeliveryBlockReason", default="")
    planned: str | None = field(name="PlannedGoodsIssueDate", default=None)
    issued: str | None = field(name="ActualGoodsMovementDate", default=None)
    delivery: str | None = field(name="DeliveryDate", default=None)
