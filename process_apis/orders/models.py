"""The words of an order as we show it: one view over ERP, scheduler and CRM, with its gaps named."""

from __future__ import annotations

from datetime import date
from typing import Literal

from process_apis.disclosure import PlantId, PublicPlantName
from process_apis.provenance import AnswerWarning, InternalSource, SourceView
from process_apis.words import Instant, Money, Quantity, View

ItemStatus = Literal[
    "confirmed",
    "confirmedLate",
    "partiallyConfirmed",
    "datePending",
    "hold",
    "partiallyDelivered",
    "delivered",
    "cancelled",
    "unknown",
]
OrderStatus = ItemStatus
ProposedStatus = Literal[ItemStatus, "rejected"]
"""A line as it would be; `rejected` is one that the ERP would not take."""
HoldCode = Literal["credit-hold", "delivery-block", "approval-hold", "billing-block"]


class Hold(View, frozen=True):
    """Something that stops the order until somebody lifts it. `reference` is the ERP's own code, if it has one."""

    code: HoldCode
    reference: str | None
    blocks: Literal["delivery", "billing"]


class PieceView(View, frozen=True):
    """A part of an item on a day. `committed` is held by the system that says so."""

    quantity: Quantity
    delivery_date: date
    supply: Literal["onHand", "inbound", "production"]
    firmness: Literal["committed"]
    source: str


class InternalPiece(PieceView, frozen=True):
    """A part of an item on a day, and where capacity is held for it."""

    work_centre: str | None


class ItemView(View, frozen=True):
    """An item of the order. Confirmed and unconfirmed are null where a system that would know is silent.

    `lineId` is the line it was made of, if the order was made here.
    """

    item_id: str
    line_id: str | None
    product: str
    status: ItemStatus
    requested: Quantity
    requested_date: date | None
    confirmed_quantity: Quantity | None
    unconfirmed_quantity: Quantity | None
    net: Money


class InternalItem(ItemView, frozen=True):
    """An item of the order, with the plant's own id."""

    plant: PlantId
    schedule: tuple[InternalPiece, ...]


class PartnerItem(ItemView, frozen=True):
    """An item of the order, with the plant's public name."""

    plant: PublicPlantName
    schedule: tuple[PieceView, ...]


class QuoteState(View, frozen=True):
    """The CRM quote this order comes from, as the CRM has it now."""

    quote_id: str
    number: str
    state: str
    version: str
    modified_at: Instant


class OrderHead(View, frozen=True):
    """The head of an order. `etag` is the version across systems; it is null while the ERP is silent, and then the
    order cannot be changed. `asOf…` per system stands in `sources`."""

    order_id: str
    href: str
    etag: str | None
    status: OrderStatus
    sold_to: str
    customer_po: str | None
    requested_date: date | None
    net: Money | None
    changed_at: Instant | None
    holds: tuple[Hold, ...]
    quote: QuoteState | None
    change_requests: str
    warnings: tuple[AnswerWarning, ...]


class InternalOrder(OrderHead, frozen=True):
    """An order across the systems, for clients of disclosure `internal`. `etag` is null while the ERP is silent."""

    items: tuple[InternalItem, ...]
    sources: tuple[InternalSource, ...]


class PartnerOrder(OrderHead, frozen=True):
    """An order across the systems, as a partner reads it. `etag` is null while the ERP is silent."""

    items: tuple[PartnerItem, ...]
    sources: tuple[SourceView, ...]


OrderView = InternalOrder | PartnerOrder
