"""What we use of an org, object by object: the one declaration that queries, writes and the drift check are held to.

The `__c` fields are made once by an administrator from the metadata in `org/`. A field that we update is ours: people
read it, we write it, and we write no other.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

Kind = Literal["id", "text", "number", "date", "instant", "flag", "reference"]
Use = Literal["read", "join", "filter", "create", "update", "key"]
"""`join`: only followed to another object; `key`: records are made and found again by it, so it must be unique."""


class Field(Struct, frozen=True):
    """A field and what we do with it; `longest` bounds the texts we write, in characters."""

    name: str
    kind: Kind
    uses: frozenset[Use]
    longest: int = 0


class Entity(Struct, frozen=True):
    """An object (sObject) of the org."""

    name: str
    fields: tuple[Field, ...]

    def used_to(self, use: Use) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if use in field.uses)

    def row(self, **values: Any) -> dict[str, Any]:
        """A record to write. A field that is not declared ours is a mistake of ours (KeyError); a text that is longer
        than declared is cut, because one long text would make Salesforce refuse all (STRING_TOO_LONG)."""
        longest = {field.name: field.longest for field in self.fields if field.uses & {"create", "update"}}
        return {name: _cut(value, longest[name]) for name, value in values.items()}


def _cut(value: Any, longest: int) -> Any:
    return value[:longest] if isinstance(value, str) and longest else value


def _seen(name: str, kind: Kind = "text") -> Field:
    return Field(name, kind, frozenset({"read"}))


def _joined(name: str) -> Field:
    return Field(name, "reference", frozenset({"join"}))


def _ours(name: str, kind: Kind = "text", longest: int = 0, *more: Use) -> Field:
    return Field(name, kind, frozenset({"update", *more}), longest)


def _made(name: str, kind: Kind = "text", longest: int = 0) -> Field:
    return Field(name, kind, frozenset({"create", "update"}), longest)


ACCOUNT = Entity("Account", (_seen("ERP_Customer__c"),))
PRODUCT = Entity("Product2", (_seen("ProductCode"),))
QUOTE = Entity(
    "Quote",
    (
        Field("Id", "id", frozenset({"read", "filter"})),
        _seen("QuoteNumber"),
        _seen("Name"),
        _seen("Status"),
        _seen("ExpirationDate", "date"),
        Field("LastModifiedDate", "instant", frozenset({"read", "filter"})),
        _seen("Revision__c"),
        _seen("ERP_Ship_To__c"),
        _joined("AccountId"),
        _ours("ERP_Order_Number__c", "text", 20, "read", "filter"),
        _ours("ERP_Instance__c", "text", 64, "read", "filter"),
        _ours("Ordergate_Operation__c", "text", 40),
        _ours("Ordergate_State__c", "text", 40),
        _ours("Ordergate_Message__c", "text", 255),
        _ours("Confirmed_Date__c", "date"),
    ),
)
QUOTE_LINE = Entity(
    "QuoteLineItem",
    (
        _seen("Id", "id"),
        _seen("LineNumber"),
        _seen("Quantity", "number"),
        _seen("UnitPrice", "number"),
        _joined("Product2Id"),
        _seen("Requested_Date__c", "date"),
        _seen("Plant__c"),
        _seen("Unit__c"),
        _seen("Configuration_Id__c"),
        _seen("Bundle_Revision__c"),
        _seen("BOM_Revision__c"),
        _seen("Routing_Revision__c"),
        _ours("ERP_Item__c", "text", 10, "read"),
        _ours("Ordergate_State__c", "text", 40),
        _ours("Ordergate_Message__c", "text", 255),
        _ours("Confirmed_Quantity__c", "number"),
        _ours("Confirmed_Date__c", "date"),
    ),
)
EXCEPTION_KEY = "Exception_Id__c"
EXCEPTION = Entity(
    "Ordergate_Exception__c",
    (
        Field(EXCEPTION_KEY, "text", frozenset({"key", "create"}), 40),
        _made("Quote__c", "reference"),
        _made("Quote_Line_Id__c", "text", 18),
        _made("Operation__c", "text", 40),
        _made("Code__c", "text", 60),
        _made("Category__c", "text", 40),
        _made("Severity__c", "text", 20),
        _made("State__c", "text", 20),
        _made("Step__c", "text", 60),
        _made("Owner_Role__c", "text", 40),
        _made("Blocking__c", "flag"),
        _made("Retryable__c", "flag"),
        _made("Detail__c", "text", 255),
        _made("Remediation__c", "text", 255),
        _made("Source_System__c", "text", 40),
        _made("Source_Instance__c", "text", 64),
        _made("Source_Code__c", "text", 80),
        _made("Source_Text__c", "text", 255),
        _made("Opened_At__c", "instant"),
        _made("Due_At__c", "instant"),
        _made("Correlation_Id__c", "text", 128),
    ),
)


def quote(*, multi_currency: bool) -> Entity:
    """A quote names its currency only in an org that has several."""
    return msgspec.structs.replace(QUOTE, fields=(*QUOTE.fields, _seen("CurrencyIsoCode"))) if multi_currency else QUOTE


def entities(*, multi_currency: bool) -> tuple[Entity, ...]:
    """All that we use. Standard Order records are neither read nor written: the ERP owns orders, the quote tells of
    them."""
    return (ACCOUNT, PRODUCT, quote(multi_currency=multi_currency), QUOTE_LINE, EXCEPTION)
