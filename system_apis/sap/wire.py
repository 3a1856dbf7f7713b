"""SAP's field names (API_SALES_ORDER_SRV, API_SALES_ORDER_SIMULATION_SRV), as the answers carry them.

Only what is used is named; everything else, customers' own `YY1_` fields included, is ignored. Dates stay text here and
are read by `odata.py`, decimals are JSON strings and arrive as `Decimal`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Generic, TypeVar, cast

import msgspec
from msgspec import Struct, field

T = TypeVar("T")

DEFAULT_REFERENCE_FIELD = "PurchaseOrderByShipToParty"
_ZERO = Decimal(0)


class Envelope(Struct, Generic[T], frozen=True):
    d: T


class Results(Struct, Generic[T], frozen=True):
    """A collection. Not expanded it is `{"__deferred": …}` and reads as empty; long ones name their next page."""

    results: tuple[T, ...] = ()
    next: str | None = field(name="__next", default=None)


class Metadata(Struct, frozen=True):
    etag: str | None = None


class ScheduleLine(Struct, frozen=True):
    number: str = field(name="ScheduleLine")
    requested: str | None = field(name="RequestedDeliveryDate", default=None)
    confirmed: str | None = field(name="ConfirmedDeliveryDate", default=None)
    unit: str = field(name="OrderQuantityUnit", default="")
    ordered_quantity: Decimal = field(name="ScheduleLineOrderQuantity", default=_ZERO)
    confirmed_quantity: Decimal = field(name="ConfdOrderQtyByMatlAvailCheck", default=_ZERO)


class Item(Struct, frozen=True):
    """An item of an order. The plant is called ProductionPlant here and Plant in a simulation."""

    number: str = field(name="SalesOrderItem")
    material: str = field(name="Material")
    quantity: Decimal = field(name="RequestedQuantity")
    unit: str = field(name="RequestedQuantityUnit", default="")
    sap_unit: str = field(name="RequestedQuantitySAPUnit", default="")
    iso_unit: str = field(name="RequestedQuantityISOUnit", default="")
    plant: str = field(name="ProductionPlant", default="")
    net_amount: Decimal = field(name="NetAmount", default=_ZERO)
    rejection_reason: str = field(name="SalesDocumentRjcnReason", default="")
    delivery_status: str = field(name="DeliveryStatus", default="")
    schedule: Results[ScheduleLine] = field(name="to_ScheduleLine", default_factory=Results)


class Order(Struct, frozen=True):
    number: str = field(name="SalesOrder")
    sold_to: str = field(name="SoldToParty")
    sales_organization: str = field(name="SalesOrganization")
    distribution_channel: str = field(name="DistributionChannel")
    division: str = field(name="OrganizationDivision")
    changed_at: str = field(name="LastChangeDateTime")
    currency: str = field(name="TransactionCurrency", default="")
    net_amount: Decimal = field(name="TotalNetAmount", default=_ZERO)
    customer_po: str = field(name="PurchaseOrderByCustomer", default="")
    reference: str = field(name=DEFAULT_REFERENCE_FIELD, default="")
    requested: str | None = field(name="RequestedDeliveryDate", default=None)
    credit: str = field(name="TotalCreditCheckStatus", default="")
    delivery_block: str = field(name="DeliveryBlockReason", default="")
    billing_block: str = field(name="HeaderBillingBlockReason", default="")
    delivery_status: str = field(name="OverallDeliveryStatus", default="")
    metadata: Metadata = field(name="__metadata", default_factory=Metadata)
    items: Results[Item] = field(name="to_Item", default_factory=Results)


class Version(Struct, frozen=True):
    """What a version-only read brings: the ETag, and the one field a change re-sends as it stands."""

    customer_po: str = field(name="PurchaseOrderByCustomer", default="")
    metadata: Metadata = field(name="__metadata", default_factory=Metadata)


class SimulatedItem(Struct, frozen=True):
    number: str = field(name="SalesOrderItem")
    material: str = field(name="Material")
    quantity: Decimal = field(name="RequestedQuantity")
    unit: str = field(name="RequestedQuantityUnit", default="")
    sap_unit: str = field(name="RequestedQuantitySAPUnit", default="")
    iso_unit: str = field(name="RequestedQuantityISOUnit", default="")
    plant: str = field(name="Plant", default="")
    net_amount: Decimal = field(name="NetAmount", default=_ZERO)
    tax_amount: Decimal = field(name="TaxAmount", default=_ZERO)
    schedule: Results[ScheduleLine] = field(name="to_ScheduleLine", default_factory=Results)


class SimulatedPricing(Struct, frozen=True):
    net_amount: Decimal = field(name="TotalNetAmount", default=_ZERO)
    currency: str = field(name="TransactionCurrency", default="")


class SimulatedCredit(Struct, frozen=True):
    status: str = field(name="TotalCreditCheckStatus", default="")


class SimulatedOrder(Struct, frozen=True):
    currency: str = field(name="TransactionCurrency", default="")
    pricing: SimulatedPricing | None = field(name="to_Pricing", default=None)
    credit: SimulatedCredit | None = field(name="to_Credit", default=None)
    items: Results[SimulatedItem] = field(name="to_Item", default_factory=Results)


SCHEDULE_FIELDS = (
    "ScheduleLine",
    "RequestedDeliveryDate",
    "ConfirmedDeliveryDate",
    "OrderQuantityUnit",
    "ScheduleLineOrderQuantity",
    "ConfdOrderQtyByMatlAvailCheck",
)
ITEM_FIELDS = (
    "SalesOrderItem",
    "Material",
    "RequestedQuantity",
    "RequestedQuantityUnit",
    "RequestedQuantitySAPUnit",
    "RequestedQuantityISOUnit",
    "ProductionPlant",
    "NetAmount",
    "SalesDocumentRjcnReason",
    "DeliveryStatus",
)
ORDER_FIELDS = (
    "SalesOrder",
    "SoldToParty",
    "SalesOrganization",
    "DistributionChannel",
    "OrganizationDivision",
    "LastChangeDateTime",
    "TransactionCurrency",
    "TotalNetAmount",
    "PurchaseOrderByCustomer",
    "RequestedDeliveryDate",
    "TotalCreditCheckStatus",
    "DeliveryBlockReason",
    "HeaderBillingBlockReason",
    "OverallDeliveryStatus",
)
EXPAND = "to_Item,to_Item/to_ScheduleLine"


def selection(reference_field: str) -> str:
    """The `$select` of an order: in version 2 the fields of an expanded part are named with their path."""
    items = (f"to_Item/{name}" for name in ITEM_FIELDS)
    schedule = (f"to_Item/to_ScheduleLine/{name}" for name in SCHEDULE_FIELDS)
    return ",".join((*ORDER_FIELDS, reference_field, *items, *schedule))


def order_type(reference_field: str) -> type[Order]:
    """The order with our reference in the field this instance keeps it in (a `YY1_` field, say)."""
    if reference_field == DEFAULT_REFERENCE_FIELD:
        return Order
    reference = ("reference", str, field(name=reference_field, default=""))
    own = msgspec.defstruct("OrderWithOwnReference", [reference], bases=(Order,), frozen=True)
    return cast("type[Order]", own)
