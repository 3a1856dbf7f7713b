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


class SalesArea(Struct, frozen=True):
    sales_organization: str
    distribution_channel: str
    division: str


class Confirmation(Struct, frozen=True):
    """A schedule line: `confirmed` units on `date`; `date` is None where the ERP confirms nothing."""

    requested_date: date
    date: date | None
    ordered: Decimal
    confirmed: Decimal


class Demand(Struct, frozen=True):
    """A line to simulate or to order. `line_id` is the caller's own and comes back in the answer."""

    line_id: str
    material: str
    quantity: Decimal
    unit: str
    requested_date: date
    plant: str | None = None


class SourceMessage(Struct, frozen=True):
    """A message of the ERP: SAP's own code (`V1/028`) and its text."""

    code: str
    text: str


class SimulatedLine(Struct, frozen=True):
    line_id: str
    material: str
    plant: str
    quantity: Decimal
    unit: str
    net_amount: Decimal
    tax_amount: Decimal
    confirmations: tuple[Confirmation, ...]


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


class NewOrder(Struct, frozen=True):
    """An order to create. `reference` is ours (the operation id, ≤ 35 characters), `customer_po` the customer's."""

    reference: str
    customer_po: str
    sales_area: SalesArea
    sold_to: str
    ship_to: str
    requested_date: date
    lines: tuple[Demand, ...]


class OrderItem(Struct, frozen=True):
    """An item of an ERP order. `item` without leading zeros; `rejection_reason` is empty while the item lives.

    `schedule_lines` names the ERP's schedule line numbers, in step with `confirmations`.
    """

    item: str
    material: str
    plant: str
    quantity: Decimal
    unit: str
    net_amount: Decimal
    rejection_reason: str
    delivery_status: Literal["notRelevant", "open", "partial", "complete"]
    confirmations: tuple[Confirmation, ...]
    schedule_lines: tuple[str, ...]


class Order(Struct, frozen=True):
    """A sales order as the ERP holds it now. `etag` is opaque and goes back byte for byte."""

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
    delivery_status: Literal["notRelevant", "open", "partial", "complete"]
    changed_at: datetime
    items: tuple[OrderItem, ...]


class ItemChange(Struct, frozen=True):
    """What is to change at one item; None leaves a value as it is.

    `reject` is a rejection reason code: items are rejected, never deleted.
    """

    item: str
    quantity: Decimal | None = None
    unit: str | None = None
    requested_date: date | None = None
    schedule_line: str | None = None
    reject: str | None = None


class OrderPatch(Struct, frozen=True):
    """One changeset on one order, guarded by the version the caller saw.

    The header PATCH with If-Match goes first in the changeset, because SAP gives items no ETag of their own.
    """

    number: str
    etag: str
    items: tuple[ItemChange, ...]
    added: tuple[Demand, ...] = ()
    requested_date: date | None = None
