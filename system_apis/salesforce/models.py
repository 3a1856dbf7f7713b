"""What the CRM tells us and what we write back, in our words. Salesforce field names live in `wire.py` only."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

QuoteState = Literal["draft", "inReview", "approved", "accepted", "rejected", "other"]


class Configuration(Struct, frozen=True):
    """What a line was configured as, and the revisions of bundle, bill of material and routing that were current then;
    None where the configurator kept none."""

    reference: str | None = None
    bundle_revision: str | None = None
    bom_revision: str | None = None
    routing_revision: str | None = None


class QuoteLine(Struct, frozen=True):
    """A line of a CRM quote. `line_id` is the CRM's record id, `number` what people see.

    `item` is the ERP order item that the line has become, `configuration` is None where it is not configured;
    `unit_price` is None where no price was agreed on (never in a CRM quote).
    """

    line_id: str
    number: str
    material: str
    quantity: Decimal
    unit: str
    unit_price: Decimal | None
    requested_date: date | None
    plant: str | None
    item: str | None = None
    configuration: Configuration | None = None


class Quote(Struct, frozen=True):
    """A CRM quote. `customer` is the ERP's number of the account; `version` moves when a person revises the quote,
    not when we write our results back. `ship_to` is the ERP's number of the party that the goods go to, None if that
    is the customer; `order_number` and `order_instance` name the order that was last made of it."""

    quote_id: str
    number: str
    name: str
    state: QuoteState
    version: str
    customer: str
    currency: str
    expires_on: date | None
    order_number: str | None
    modified_at: datetime
    lines: tuple[QuoteLine, ...]
    ship_to: str | None = None
    order_instance: str | None = None


class LineOutcome(Struct, frozen=True):
    """What became of a quote line: our state word, the ERP item, and the confirmed quantity and (last) date."""

    line_id: str
    state: str
    item: str | None = None
    confirmed_quantity: Decimal | None = None
    confirmed_date: date | None = None
    message: str | None = None


class ExceptionOutcome(Struct, frozen=True):
    """A business problem, told to the people of the CRM: what, how bad, who looks after it, and by when.

    `exception_id` is ours and unique: telling it again changes the same record. `source_*` is who said it, in that
    system's own words; `line_id` is None where it is about all of the quote; `remediation` is what can be done.
    """

    exception_id: str
    code: str
    category: str
    severity: str
    state: str
    step: str
    owner: str
    blocking: bool
    retryable: bool
    detail: str
    source_system: str
    source_instance: str
    opened_at: datetime
    due_at: datetime
    correlation_id: str
    line_id: str | None = None
    source_code: str | None = None
    source_text: str | None = None
    remediation: str | None = None


class QuoteOutcome(Struct, frozen=True):
    """What is written back to a quote, all or nothing. Writing the same outcome again changes nothing."""

    quote_id: str
    operation_id: str
    state: str
    order_number: str | None
    order_instance: str | None
    confirmed_date: date | None
    message: str | None
    lines: tuple[LineOutcome, ...]
    exceptions: tuple[ExceptionOutcome, ...] = ()
