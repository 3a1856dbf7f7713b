"""Salesforce's field names, and nothing above this file knows them.

The `__c` fields are ours: an administrator adds them to Account, Quote and QuoteLineItem once.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct, field

from system_apis.bodies import tidy
from system_apis.errand import Errand
from system_apis.salesforce import models

LONGEST_MESSAGE = 255
_STATES: dict[str, models.QuoteState] = {
    "Draft": "draft",
    "Needs Review": "inReview",
    "In Review": "inReview",
    "Approved": "approved",
    "Accepted": "accepted",
    "Rejected": "rejected",
    "Denied": "rejected",
}
"""The picklist values Salesforce ships. The picklist is open to administrators: a word of theirs is `other`."""

LINE_FIELDS = (
    "Id",
    "LineNumber",
    "Quantity",
    "UnitPrice",
    "Product2.ProductCode",
    "Requested_Date__c",
    "Plant__c",
    "Unit__c",
)
QUOTE_FIELDS = (
    "Id",
    "QuoteNumber",
    "Name",
    "Status",
    "ExpirationDate",
    "LastModifiedDate",
    "Revision__c",
    "ERP_Order_Number__c",
    "Account.ERP_Customer__c",
)

_FROM_LINES = "SELECT {} FROM QuoteLineItems ORDER BY LineNumber"


class Product(Struct, frozen=True):
    code: str | None = field(name="ProductCode")


class Line(Struct, frozen=True):
    id: str = field(name="Id")
    quantity: Decimal = field(name="Quantity")
    unit_price: Decimal = field(name="UnitPrice")
    number: str | None = field(name="LineNumber", default=None)
    product: Product | None = field(name="Product2", default=None)
    requested_date: date | None = field(name="Requested_Date__c", default=None)
    plant: str | None = field(name="Plant__c", default=None)
    unit: str | None = field(name="Unit__c", default=None)


class Lines(Struct, frozen=True):
    """A page of a child relationship; a quote with more lines than a page names the next one."""

    records: tuple[Line, ...]
    done: bool = True
    next_url: str | None = field(name="nextRecordsUrl", default=None)


class Account(Struct, frozen=True):
    erp_customer: str | None = field(name="ERP_Customer__c", default=None)


class Quote(Struct, frozen=True):
    id: str = field(name="Id")
    name: str = field(name="Name")
    status: str | None = field(name="Status")
    last_modified: str = field(name="LastModifiedDate")
    number: str | None = field(name="QuoteNumber", default=None)
    expiration: date | None = field(name="ExpirationDate", default=None)
    revision: str | None = field(name="Revision__c", default=None)
    order_number: str | None = field(name="ERP_Order_Number__c", default=None)
    account: Account | None = field(name="Account", default=None)
    currency: str | None = field(name="CurrencyIsoCode", default=None)
    # A relationship without children is null, not an empty list.
    lines: Lines | None = field(name="QuoteLineItems", default=None)


class Quotes(Struct, frozen=True):
    records: tuple[Quote, ...]


class Complaint(Struct, frozen=True):
    """An entry of an error body; collections say `statusCode` where everything else says `errorCode`."""

    message: str = ""
    error_code: str = field(name="errorCode", default="")
    status_code: str = field(name="statusCode", default="")

    @property
    def code(self) -> str:
        return self.error_code or self.status_code


class SubAnswer(Struct, frozen=True):
    status: int = field(name="httpStatusCode")
    body: msgspec.Raw = field(default_factory=lambda: msgspec.Raw(b"null"))


class CompositeAnswer(Struct, frozen=True):
    answers: tuple[SubAnswer, ...] = field(name="compositeResponse")


class Saved(Struct, frozen=True):
    success: bool
    errors: tuple[Complaint, ...] = ()


def selection(*, multi_currency: bool) -> str:
    """The head of every question about quotes. Its words are constants of this file: no value comes near it."""
    fields = (*QUOTE_FIELDS, "CurrencyIsoCode") if multi_currency else QUOTE_FIELDS
    lines = ", ".join(LINE_FIELDS)
    return ", ".join(("SELECT " + fields[0], *fields[1:], f"({_FROM_LINES.format(lines)}) FROM Quote"))


def quote(read: Quote, lines: tuple[Line, ...], home_currency: str, errand: Errand) -> models.Quote:
    return models.Quote(
        quote_id=read.id,
        number=read.number or read.name,
        name=read.name,
        state=_STATES.get(read.status or "", "other"),
        version=read.revision or "0",
        customer=((read.account.erp_customer if read.account else None) or "").strip().lstrip("0"),
        currency=read.currency or home_currency,
        expires_on=read.expiration,
        order_number=read.order_number or None,
        modified_at=_instant(read.last_modified, errand),
        lines=tuple(_line(line, place, errand) for place, line in enumerate(lines, start=1)),
    )


def _line(read: Line, place: int, errand: Errand) -> models.QuoteLine:
    """Material and unit stay empty where the CRM names none: the order's check refuses such a line by name."""
    return models.QuoteLine(
        line_id=read.id,
        number=read.number or str(place),
        material=(read.product.code if read.product else None) or "",
        quantity=tidy(read.quantity, errand),
        unit=read.unit or "",
        unit_price=tidy(read.unit_price, errand),
        requested_date=read.requested_date,
        plant=read.plant or None,
    )


def _instant(text: str, errand: Errand) -> datetime:
    """`2026-11-20T17:00:00.000+0000`: an offset without the colon that RFC 3339 wants."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise errand.unreadable("a time stamp is not one") from None
    if moment.tzinfo is None:
        raise errand.unreadable("a time stamp without an offset")
    return moment


def quote_fields(outcome: models.QuoteOutcome) -> dict[str, Any]:
    """What is written to the quote. The order number is never taken away: a later part of the quote may fail
    while an earlier one is an order."""
    fields: dict[str, Any] = {
        "Ordergate_Operation__c": outcome.operation_id,
        "Ordergate_State__c": outcome.state,
        "Ordergate_Message__c": _short(outcome.message),
        "Confirmed_Date__c": outcome.confirmed_date,
    }
    if outcome.order_number is not None:
        fields["ERP_Order_Number__c"] = outcome.order_number
        fields["ERP_Instance__c"] = outcome.order_instance
    return fields


def line_fields(outcome: models.LineOutcome) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "Ordergate_State__c": outcome.state,
        "Confirmed_Quantity__c": _number(outcome.confirmed_quantity),
        "Confirmed_Date__c": outcome.confirmed_date,
        "Ordergate_Message__c": _short(outcome.message),
    }
    if outcome.item is not None:
        fields["ERP_Item__c"] = outcome.item
    return fields


def _number(value: Decimal | None) -> msgspec.Raw | None:
    """A JSON number, digit by digit: Salesforce takes no decimal strings, and a float would round."""
    return None if value is None else msgspec.Raw(format(value, "f").encode())


def _short(message: str | None) -> str | None:
    """One long text would make Salesforce refuse the whole write-back (STRING_TOO_LONG)."""
    return None if message is None else message[:LONGEST_MESSAGE]
