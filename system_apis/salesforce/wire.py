"""Salesforce's shapes, and nothing above this file knows them; what we use of them is declared in `fields`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct, field

from system_apis.bodies import tidy
from system_apis.errand import Errand
from system_apis.salesforce import fields, models

T = TypeVar("T")
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
    configuration: str | None = field(name="Configuration_Id__c", default=None)
    bundle_revision: str | None = field(name="Bundle_Revision__c", default=None)
    bom_revision: str | None = field(name="BOM_Revision__c", default=None)
    routing_revision: str | None = field(name="Routing_Revision__c", default=None)
    item: str | None = field(name="ERP_Item__c", default=None)


class Page(Struct, Generic[T], frozen=True):
    """Some of the records of a query, or of the children of a record; where there are more, it names the next page."""

    records: tuple[T, ...]
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
    order_instance: str | None = field(name="ERP_Instance__c", default=None)
    ship_to: str | None = field(name="ERP_Ship_To__c", default=None)
    account: Account | None = field(name="Account", default=None)
    currency: str | None = field(name="CurrencyIsoCode", default=None)
    # A relationship without children is null, not an empty list.
    lines: Page[Line] | None = field(name="QuoteLineItems", default=None)


class Touched(Struct, frozen=True):
    last_modified: str = field(name="LastModifiedDate")


class Version(Struct, frozen=True):
    """An entry of `/services/data`: `68.0`."""

    version: str


class Complaint(Struct, frozen=True):
    """An entry of an error body; collections say `statusCode` where everything else says `errorCode`."""

    message: str = ""
    error_code: str = field(name="errorCode", default="")
    status_code: str = field(name="statusCode", default="")

    @property
    def code(self) -> str:
        return self.error_code or self.status_code


class SubAnswer(Struct, frozen=True):
    reference: str = field(name="referenceId")
    status: int = field(name="httpStatusCode")
    body: msgspec.Raw = field(default_factory=lambda: msgspec.Raw(b"null"))


class CompositeAnswer(Struct, frozen=True):
    answers: tuple[SubAnswer, ...] = field(name="compositeResponse")


class Graph(Struct, frozen=True):
    answer: CompositeAnswer = field(name="graphResponse")


class GraphAnswer(Struct, frozen=True):
    graphs: tuple[Graph, ...]


class DescribedField(Struct, frozen=True):
    """A field as our user sees it. One that field-level security hides from us is not in the list at all."""

    name: str
    type: str
    length: int = 0
    createable: bool = False
    updateable: bool = False
    filterable: bool = True
    unique: bool = False
    external_id: bool = field(name="externalId", default=False)


class Described(Struct, frozen=True):
    """An object as our user sees it."""

    name: str
    fields: tuple[DescribedField, ...]
    queryable: bool = True
    createable: bool = False
    updateable: bool = False


def selection(*, multi_currency: bool) -> str:
    """The head of every question about quotes. Its words are constants of ours: no value comes near it."""
    lines = [*fields.QUOTE_LINE.used_to("read"), *_of("Product2", fields.PRODUCT)]
    quotes = [*fields.quote(multi_currency=multi_currency).used_to("read"), *_of("Account", fields.ACCOUNT)]
    children = " ".join(("(SELECT", ", ".join(lines), "FROM QuoteLineItems ORDER BY LineNumber)"))
    return " ".join(("SELECT", ", ".join((*quotes, children)), "FROM Quote"))


def _of(relationship: str, entity: fields.Entity) -> list[str]:
    return [f"{relationship}.{name}" for name in entity.used_to("read")]


def quote(read: Quote, lines: tuple[Line, ...], home_currency: str, errand: Errand) -> models.Quote:
    return models.Quote(
        quote_id=read.id,
        number=read.number or read.name,
        name=read.name,
        state=_STATES.get(read.status or "", "other"),
        version=read.revision or "0",
        customer=_number_of(read.account.erp_customer if read.account else None),
        currency=read.currency or home_currency,
        expires_on=read.expiration,
        order_number=read.order_number or None,
        modified_at=instant(read.last_modified, errand),
        lines=tuple(_line(line, place, errand) for place, line in enumerate(lines, start=1)),
        ship_to=_number_of(read.ship_to) or None,
        order_instance=read.order_instance or None,
    )


def _number_of(customer: str | None) -> str:
    return (customer or "").strip().lstrip("0")


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
        item=read.item or None,
        configuration=_configuration(read),
    )


def _configuration(read: Line) -> models.Configuration | None:
    kept = (read.configuration, read.bundle_revision, read.bom_revision, read.routing_revision)
    told = [(text or "").strip() or None for text in kept]
    return models.Configuration(*told) if any(told) else None


def instant(text: str, errand: Errand) -> datetime:
    """`2026-11-20T17:00:00.000+0000`: an offset without the colon that RFC 3339 wants."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise errand.unreadable("a time stamp is not one") from None
    if moment.tzinfo is None:
        raise errand.unreadable("a time stamp without an offset")
    return moment


def quote_row(outcome: models.QuoteOutcome) -> dict[str, Any]:
    """What is written to the quote. Order and day are never taken away: a later part of the quote may fail while an
    earlier one is an order."""
    order = {
        "ERP_Order_Number__c": outcome.order_number,
        "ERP_Instance__c": outcome.order_instance,
        "Confirmed_Date__c": outcome.confirmed_date,
    }
    return fields.QUOTE.row(
        Ordergate_Operation__c=outcome.operation_id,
        Ordergate_State__c=outcome.state,
        Ordergate_Message__c=outcome.message,
        **(order if outcome.order_number is not None else {}),
    )


def line_row(outcome: models.LineOutcome) -> dict[str, Any]:
    return fields.QUOTE_LINE.row(
        Ordergate_State__c=outcome.state,
        Confirmed_Quantity__c=_number(outcome.confirmed_quantity),
        Confirmed_Date__c=outcome.confirmed_date,
        Ordergate_Message__c=outcome.message,
        **({"ERP_Item__c": outcome.item} if outcome.item is not None else {}),
    )


def exception_row(quote_id: str, operation_id: str, met: models.ExceptionOutcome) -> dict[str, Any]:
    """Without its key, which stands in the address of an upsert."""
    return fields.EXCEPTION.row(
        Quote__c=quote_id,
        Quote_Line_Id__c=met.line_id,
        Operation__c=operation_id,
        Code__c=met.code,
        Category__c=met.category,
        Severity__c=met.severity,
        State__c=met.state,
        Step__c=met.step,
        Owner_Role__c=met.owner,
        Blocking__c=met.blocking,
        Retryable__c=met.retryable,
        Detail__c=met.detail,
        Remediation__c=met.remediation,
        Source_System__c=met.source_system,
        Source_Instance__c=met.source_instance,
        Source_Code__c=met.source_code,
        Source_Text__c=met.source_text,
        Opened_At__c=_stamp(met.opened_at),
        Due_At__c=_stamp(met.due_at),
        Correlation_Id__c=met.correlation_id,
    )


def _number(value: Decimal | None) -> msgspec.Raw | None:
    """A JSON number, digit by digit: Salesforce takes no decimal strings, and a float would round."""
    return None if value is None else msgspec.Raw(format(value, "f").encode())


def _stamp(moment: datetime) -> str:
    """Milliseconds in UTC: Salesforce keeps less, and refuses some longer forms."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
