"""SAP's field names in CE_SALESORDER_0001, as the answers carry them.

Only what is used is named; everything else, customers' own `YY1_` fields included, is ignored. Days and instants are
ISO 8601; decimals are JSON strings if SAP heeds what we ask for, and numbers read digit by digit if it does not.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar, cast

import msgspec
from msgspec import Meta, Struct, field

from system_apis.sap.v4.messages import Message
from system_apis.sap.wire import DEFAULT_REFERENCE_FIELD

T = TypeVar("T")
_ZERO = Decimal(0)


class Listed(Struct, Generic[T], frozen=True):
    """A collection; long ones name their next page."""

    value: tuple[T, ...]
    next: str | None = field(name="@odata.nextLink", default=None)


class Partner(Struct, frozen=True):
    function: str = field(name="PartnerFunction", default="")
    customer: str | None = field(name="Customer", default=None)


class ScheduleLine(Struct, frozen=True):
    """What it orders and confirms may be null and is never left out: that would read as nothing."""

    number: str = field(name="ScheduleLine")
    ordered_quantity: Decimal | None = field(name="ScheduleLineOrderQuantity")
    confirmed_quantity: Decimal | None = field(name="ConfdOrderQtyByMatlAvailCheck")
    requested: date | None = field(name="RequestedDeliveryDate", default=None)
    confirmed: date | None = field(name="ConfirmedDeliveryDate", default=None)
    sap_unit: str = field(name="OrderQuantitySAPUnit", default="")
    iso_unit: str = field(name="OrderQuantityISOUnit", default="")
    delivered_quantity: Decimal = field(name="DeliveredQtyInOrderQtyUnit", default=_ZERO)
    block: str = field(name="DelivBlockReasonForSchedLine", default="")


class Item(Struct, frozen=True):
    """`schedule`: None where the answer does not show it, `more_schedule` where it goes on."""

    number: str = field(name="SalesOrderItem")
    product: str = field(name="Product")
    quantity: Decimal = field(name="RequestedQuantity")
    sap_unit: str = field(name="RequestedQuantitySAPUnit", default="")
    iso_unit: str = field(name="RequestedQuantityISOUnit", default="")
    requested: date | None = field(name="RequestedDeliveryDate", default=None)
    plant: str = field(name="Plant", default="")
    net_amount: Decimal = field(name="NetAmount", default=_ZERO)
    rejection_reason: str = field(name="SalesDocumentRjcnReason", default="")
    delivery_status: str = field(name="DeliveryStatus", default="")
    billing_block: str = field(name="ItemBillingBlockReason", default="")
    parent: str | None = field(name="HigherLevelItem", default=None)
    schedule: tuple[ScheduleLine, ...] | None = field(name="_ScheduleLine", default=None)
    more_schedule: str | None = field(name="_ScheduleLine@odata.nextLink", default=None)


class Order(Struct, frozen=True):
    """`items` and `partners`: None where the answer does not show them, `more_…` where they go on."""

    number: str = field(name="SalesOrder")
    sold_to: str = field(name="SoldToParty")
    sales_organization: str = field(name="SalesOrganization")
    distribution_channel: str = field(name="DistributionChannel")
    division: str = field(name="OrganizationDivision")
    changed_at: Annotated[datetime, Meta(tz=True)] = field(name="LastChangeDateTime")
    currency: str = field(name="TransactionCurrency", default="")
    net_amount: Decimal = field(name="TotalNetAmount", default=_ZERO)
    customer_po: str = field(name="PurchaseOrderByCustomer", default="")
    reference: str = field(name=DEFAULT_REFERENCE_FIELD, default="")
    requested: date | None = field(name="RequestedDeliveryDate", default=None)
    credit: str = field(name="TotalCreditCheckStatus", default="")
    delivery_block: str = field(name="DeliveryBlockReason", default="")
    billing_block: str = field(name="HeaderBillingBlockReason", default="")
    delivery_status: str = field(name="OverallDeliveryStatus", default="")
    status: str = field(name="OverallSDProcessStatus", default="")
    rejected: str = field(name="OverallSDDocumentRejectionSts", default="")
    approval: str = field(name="SalesDocApprovalStatus", default="")
    etag: str | None = field(name="@odata.etag", default=None)
    messages: tuple[Message, ...] = field(name="SAP__Messages", default=())
    items: tuple[Item, ...] | None = field(name="_Item", default=None)
    more_items: str | None = field(name="_Item@odata.nextLink", default=None)
    partners: tuple[Partner, ...] | None = field(name="_Partner", default=None)
    more_partners: str | None = field(name="_Partner@odata.nextLink", default=None)


class ItemVersion(Struct, frozen=True):
    number: str = field(name="SalesOrderItem")
    etag: str | None = field(name="@odata.etag", default=None)


class Version(Struct, frozen=True):
    """An order's version with those of its items, which SAP derives from it (`Core.OptimisticConcurrency`)."""

    etag: str | None = field(name="@odata.etag", default=None)
    items: tuple[ItemVersion, ...] = field(name="_Item", default=())
    more_items: str | None = field(name="_Item@odata.nextLink", default=None)


class Changed(Struct, frozen=True):
    """The answer to a change, where it has one."""

    etag: str | None = field(name="@odata.etag", default=None)
    messages: tuple[Message, ...] = field(name="SAP__Messages", default=())


def names(shape: type[Struct]) -> tuple[str, ...]:
    """The properties an answer of this shape is asked for: its fields as SAP calls them, without what SAP adds unasked
    (annotations, navigations, messages)."""
    fields = (one.encode_name for one in msgspec.structs.fields(shape))
    return tuple(name for name in fields if not name.startswith(("_", "@", "SAP__")))


def expansion(shape: type[Item] = Item) -> str:
    """The `$expand` of an order: in version 4 each part is asked with a `$select` of its own."""
    lines = f"_ScheduleLine($select={','.join(names(ScheduleLine))})"
    return f"_Item($select={','.join(names(shape))};$expand={lines}),_Partner($select={','.join(names(Partner))})"


def order_type(reference_field: str) -> type[Order]:
    """The order with our reference in the field this instance keeps it in (a `YY1_` field, say)."""
    if reference_field == DEFAULT_REFERENCE_FIELD:
        return Order
    reference = ("reference", str, field(name=reference_field, default=""))
    own = msgspec.defstruct("OrderWithOwnReferenceV4", [reference], bases=(Order,), frozen=True)
    return cast("type[Order]", own)
