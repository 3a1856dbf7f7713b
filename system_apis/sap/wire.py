"""SAP's field names (API_SALES_ORDER_SRV, API_SALES_ORDER_SIMULATION_SRV), as the answers carry them.

Only what is used is named; everything else, customers' own `YY1_` fields included, is ignored. Dates stay text here and
are read by `odata.py`, decimals are JSON strings and arrive as `Decimal`.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Generic, TypeVar, cast

import msgspec
from msgspec import Struct, field

T = TypeVar("T")

DEFAULT_REFERENCE_FIELD = "PurchaseOrderByShipToParty"
_ZERO = Decimal(0)


class Envelope(Struct, Generic[T], frozen=True):
    d: T


class Results(Struct, Generic[T], frozen=True):
    """A collection; long ones name their next page. Not expanded it is `{"__deferred": …}`: empty, and `deferred`."""

    results: tuple[T, ...] = ()
    next: str | None = field(name="__next", default=None)
    deferred: dict[str, str] | None = field(name="__deferred", default=None)


class Metadata(Struct, frozen=True):
    etag: str | None = None


class Partner(Struct, frozen=True):
    """A partner of an order. The function's name depends on the language (SH, WE), its internal code does not."""

    function: str = field(name="PartnerFunction", default="")
    internal: str = field(name="PartnerFunctionInternalCode", default="")
    customer: str = field(name="Customer", default="")


class SimulatedScheduleLine(Struct, frozen=True):
    """What it confirms is never left out: that would read as nothing."""

    number: str = field(name="ScheduleLine")
    confirmed_quantity: Decimal = field(name="ConfdOrderQtyByMatlAvailCheck")
    requested: str | None = field(name="RequestedDeliveryDate", default=None)
    confirmed: str | None = field(name="ConfirmedDeliveryDate", default=None)
    unit: str = field(name="OrderQuantityUnit", default="")
    ordered_quantity: Decimal = field(name="ScheduleLineOrderQuantity", default=_ZERO)


class ScheduleLine(SimulatedScheduleLine, frozen=True):
    """A saved one: it may have been delivered, or be blocked."""

    delivered_quantity: Decimal = field(name="DeliveredQtyInOrderQtyUnit", default=_ZERO)
    block: str = field(name="DelivBlockReasonForSchedLine", default="")


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
    billing_block: str = field(name="ItemBillingBlockReason", default="")
    parent: str = field(name="HigherLevelItem", default="")
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
    status: str = field(name="OverallSDProcessStatus", default="")
    rejected: str = field(name="OverallSDDocumentRejectionSts", default="")
    approval: str = field(name="SalesDocApprovalStatus", default="")
    partners: Results[Partner] = field(name="to_Partner", default_factory=Results)
    metadata: Metadata = field(name="__metadata", default_factory=Metadata)
    items: Results[Item] = field(name="to_Item", default_factory=Results)


class Version(Struct, frozen=True):
    """What a version-only read brings: the ETag, and the one field a change re-sends as it stands."""

    customer_po: str = field(name="PurchaseOrderByCustomer", default="")
    metadata: Metadata = field(name="__metadata", default_factory=Metadata)


class PriceElement(Struct, frozen=True):
    condition: str = field(name="ConditionType", default="")
    rate: Decimal = field(name="ConditionRateValue", default=_ZERO)
    amount: Decimal = field(name="ConditionAmount", default=_ZERO)
    currency: str = field(name="TransactionCurrency", default="")
    statistical: bool = field(name="ConditionIsForStatistics", default=False)
    inactive: str = field(name="ConditionInactiveReason", default="")


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
    schedule: Results[SimulatedScheduleLine] | None = field(name="to_ScheduleLine", default=None)
    elements: Results[PriceElement] = field(name="to_PricingElement", default_factory=Results)


class SimulatedPricing(Struct, frozen=True):
    net_amount: Decimal = field(name="TotalNetAmount", default=_ZERO)
    currency: str = field(name="TransactionCurrency", default="")


class SimulatedCredit(Struct, frozen=True):
    status: str = field(name="TotalCreditCheckStatus", default="")


class SimulatedOrder(Struct, frozen=True):
    currency: str = field(name="TransactionCurrency", default="")
    pricing: SimulatedPricing | None = field(name="to_Pricing", default=None)
    credit: SimulatedCredit | None = field(name="to_Credit", default=None)
    elements: Results[PriceElement] = field(name="to_PricingElement", default_factory=Results)
    items: Results[SimulatedItem] = field(name="to_Item", default_factory=Results)


EXPAND = "to_Item,to_Item/to_ScheduleLine,to_Partner"


@cache
def names(shape: type[Struct]) -> tuple[str, ...]:
    """The properties an answer of this shape is asked for: its fields as SAP calls them, without navigations."""
    fields = (one.encode_name for one in msgspec.structs.fields(shape))
    return tuple(name for name in fields if not name.startswith(("to_", "__")))


def selection(shape: type[Order]) -> str:
    """The `$select` of an order: in version 2 the fields of an expanded part are named with their path."""
    parts = (("to_Item", Item), ("to_Item/to_ScheduleLine", ScheduleLine), ("to_Partner", Partner))
    below = (f"{path}/{name}" for path, part in parts for name in names(part))
    return ",".join((*names(shape), *below))


def order_type(reference_field: str) -> type[Order]:
    """The order with our reference in the field this instance keeps it in (a `YY1_` field, say)."""
    if reference_field == DEFAULT_REFERENCE_FIELD:
        return Order
    reference = ("reference", str, field(name=reference_field, default=""))
    own = msgspec.defstruct("OrderWithOwnReference", [reference], bases=(Order,), frozen=True)
    return cast("type[Order]", own)
