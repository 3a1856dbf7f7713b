"""What the CRM tells us and what we write back, in our words. Salesforce field names live in `wire.py` only."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

QuoteState = Literal["draft", "inReview", "approved", "accepted", "rejected", "other"]


class QuoteLine(Struct, frozen=True):
    """A line of a CRM quote. `line_id` is the CRM's record id, `number` what people see."""

    line_id: str
    number: str
    material: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    requested_date: date | None
    plant: str | None


class Quote(Struct, frozen=True):
    """A CRM quote. `customer` is the ERP's number of the account; `version` moves when a person revises the quote,
    not when we write our results back."""

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


class LineOutcome(Struct, frozen=True):
    """What became of a quote line: our state word, the ERP item, and the confirmed quantity and (last) date."""

    line_id: str
    state: str
    item: str | None = None
    confirmed_quantity: Decimal | None = None
    confirmed_date: date | None = None
    message: str | None = None


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
