"""What the ERP tells us and what we ask of it, in our words.

Units are UN/ECE Rec 20 codes (the client translates), quantities and amounts `Decimal`, days `date`, instants
aware `datetime`. SAP's own field names live in `wire.py` and nowhere above it.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

CreditState = Literal["ok", "blocked", "notChecked", "released"]
"""TotalCreditCheckStatus: A and D may go on, B and C are held, '' was not checked."""
Progress = Literal["notRelevant", "open", "partial", "complete"]
"""How far the ERP is with a step of a document."""
Approval = Literal["notRelevant", "pending", "approved", "rejected"]
"""SalesDocApprovalStatus. A status we don't know holds the order back: `pending`."""


class SalesArea(Struct, frozen=True):
    sales_organization: str
    distribution_channel: str
    division: str


class Confirmation(Struct, frozen=True):
    """A schedule line: `confirmed` units on `date`; `date` is None where the ERP confirms nothing.

    `delivered` has gone out already. `block` is the ERP's reason for not delivering it, empty if there is none.
    """

    requested_date: date
    date: date | None
    ordered: Decimal
    confirmed: Decimal
    delivered: Decimal = Decimal(0)
    block: str = ""


class Predecessor(Struct, frozen=True):
    """The item of an ERP quotation a line follows. The ERP copies its configuration: the published order and
    simulation APIs (version 2) carry no characteristics of their own."""

    document: str
    item: str


class Demand(Struct, frozen=True):
    """A line to simulate or to order. `line_id` is the caller's own and comes back in the answer."""

    line_id: str
    material: str
    quantity: Decimal
    unit: str
    requested_date: date
    plant: str | None = None
    follows: Predecessor | None = None


class SourceMessage(Struct, frozen=True):
    """A message of the ERP: SAP's own code (`V1/028`) and its text."""

    code: str
    text: str


class PriceElement(Struct, frozen=True):
    """A condition of a price (price, discount, tax, freight) with its rate and what it comes to.

    `active` is false where another condition or a missing requirement put it out of force; `statistical` ones are
    shown and not counted.
    """

    condition: str
    rate: Decimal
    amount: Decimal
    currency: str
    statistical: bool
    active: bool


class SimulatedLine(Struct, frozen=True):
    line_id: str
    material: str
    plant: str
    quantity: Decimal
    unit: str
    net_amount: Decimal
    tax_amount: Decimal
    confirmations: tuple[Confirmation, ...]
    elements: tuple[PriceElement, ...] = ()


class Simulation(Struct, frozen=True):
    """The unsaved order of API_SALES_ORDER_SIMULATION_SRV: price, credit and availability in one answer.

    `refused` holds the lines that the ERP would not take at all, by `line_id`; the others were simulated without them.
    """

    lines: tuple[SimulatedLine, ...]
    refused: dict[str, SourceMessage]
    net_amount: Decimal
    tax_amount: Decimal
    currency: str
    credit: CreditState
    warnings: tuple[SourceMessage, ...]
    fetched_at: datetime
    elements: tuple[PriceElement, ...] = ()


class NewOrder(Struct, frozen=True):
    """An order to create. `reference` is ours (the operation id, ≤ 35 characters), `customer_po` the customer's.

    `begun_at` is when this was first wanted, the same at each attempt; where the ERP keeps requests repeatable it is
    told, so that a repeat that comes too late is refused instead of executed.
    """

    reference: str
    customer_po: str
    sales_area: SalesArea
    sold_to: str
    ship_to: str
    requested_date: date
    lines: tuple[Demand, ...]
    begun_at: datetime | None = None


class OrderItem(Struct, frozen=True):
    """An item of an ERP order. `item` without leading zeros; `rejection_reason` is empty while the item lives.

    `schedule_lines` names the ERP's schedule line numbers, in step with `confirmations`. `parent` is the item it
    belongs to (a component, a free good), empty for an item that somebody ordered.
    """

    item: str
    material: str
    plant: str
    quantity: Decimal
    unit: str
    net_amount: Decimal
    rejection_reason: str
    delivery_status: Progress
    confirmations: tuple[Confirmation, ...]
    schedule_lines: tuple[str, ...]
    delivered: Decimal = Decimal(0)
    billing_block: str = ""
    parent: str = ""


class Order(Struct, frozen=True):
    """A sales order as the ERP holds it now. `etag` is opaque and goes back byte for byte.

    `warnings` are what the ERP said beside a success when the order was created; a later read has none.
    """

    number: str
    etag: str
    reference: str
    customer_po: str
    sold_to: str
    sales_area: SalesArea
    requested_date: date | None
    currency: str
    net_amount: Decimal
    credit: CreditState
    delivery_block: str
    billing_block: str
    delivery_status: Progress
    changed_at: datetime
    items: tuple[OrderItem, ...]
    ship_to: str = ""
    approval: Approval = "notRelevant"
    status: Progress = "open"
    rejected: Literal["none", "partial", "complete"] = "none"
    warnings: tuple[SourceMessage, ...] = ()


class ScheduleChange(Struct, frozen=True):
    """What is to change at one schedule line; None leaves a value as it is. Without a `line` a new one is made."""

    line: str | None = None
    requested_date: date | None = None
    quantity: Decimal | None = None
    block: str | None = None
    removed: bool = False


class ItemChange(Struct, frozen=True):
    """What is to change at one item; None leaves a value as it is.

    `reject` is a rejection reason code, '' takes the rejection back: items are rejected, never deleted. `schedule_line`
    and `requested_date` are short for the one schedule line most items have; `schedule` says more.
    """

    item: str
    quantity: Decimal | None = None
    unit: str | None = None
    requested_date: date | None = None
    schedule_line: str | None = None
    reject: str | None = None
    plant: str | None = None
    schedule: tuple[ScheduleChange, ...] = ()


class OrderPatch(Struct, frozen=True):
    """One changeset on one order, guarded by the version the caller saw.

    The header PATCH with If-Match goes first in the changeset, because SAP gives items no ETag of their own. Blocks are
    the ERP's reason codes, '' lifts one.
    """

    number: str
    etag: str
    items: tuple[ItemChange, ...]
    added: tuple[Demand, ...] = ()
    requested_date: date | None = None
    delivery_block: str | None = None
    billing_block: str | None = None
    customer_po: str | None = None


class Changed(Struct, frozen=True):
    """A change the ERP made. `warnings` are what it said beside it; `order` is how it stands now, if that was asked
    for and could be read: the answer to a change is empty."""

    warnings: tuple[SourceMessage, ...]
    order: Order | None = None
