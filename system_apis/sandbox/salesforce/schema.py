"""The objects of the CRM: fields, types, what may be written, who refers to whom. Multi-currency is on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Access = Literal["rw", "create", "read"]


@dataclass(frozen=True)
class Field:
    """`access` is what a caller may do; `refers_to` names the parent object of a reference."""

    name: str
    type: str = "string"
    length: int = 255
    required: bool = False
    access: Access = "rw"
    external_id: bool = False
    refers_to: str | None = None

    @property
    def relationship(self) -> str | None:
        """The name under which SOQL reaches the parent."""
        return self.name.removesuffix("Id") if self.refers_to else None


@dataclass(frozen=True)
class SObject:
    """`children`: relationship name to the child object and the child's reference field."""

    name: str
    prefix: str
    fields: dict[str, Field]
    children: dict[str, tuple[str, str]] = field(default_factory=dict)

    def find(self, name: str) -> Field | None:
        """SOQL and REST take field names in any case."""
        return self.fields.get(name) or next((f for f in self.fields.values() if f.name.lower() == name.lower()), None)

    def parent(self, relationship: str) -> Field | None:
        wanted = relationship.lower()
        return next((f for f in self.fields.values() if (f.relationship or "").lower() == wanted), None)


def _ref(name: str, to: str, *, required: bool = False, access: Access = "create") -> Field:
    return Field(name, "reference", 18, required, access, refers_to=to)


def _read(name: str, kind: str) -> Field:
    return Field(name, kind, access="read")


_SYSTEM = (
    Field("Id", "id", 18, access="read"),
    _read("IsDeleted", "boolean"),
    Field("CurrencyIsoCode", "picklist", 3),
    _read("CreatedDate", "datetime"),
    _read("LastModifiedDate", "datetime"),
    _read("SystemModstamp", "datetime"),
)


def _object(name: str, prefix: str, *own: Field, children: dict[str, tuple[str, str]] | None = None) -> SObject:
    return SObject(name, prefix, {f.name: f for f in (*_SYSTEM, *own)}, children or {})


_NAME = Field("Name", required=True)
OBJECTS = {
    one.name: one
    for one in (
        _object(
            "Account",
            "001",
            _NAME,
            Field("AccountNumber", length=40),
            Field("ERP_Customer__c", length=10, external_id=True),
        ),
        _object(
            "Product2", "01t", _NAME, Field("ProductCode"), Field("IsActive", "boolean"), Field("QuantityUnitOfMeasure")
        ),
        _object("Pricebook2", "01s", _NAME, _read("IsStandard", "boolean"), Field("IsActive", "boolean")),
        _object(
            "PricebookEntry",
            "01u",
            _ref("Pricebook2Id", "Pricebook2", required=True),
            _ref("Product2Id", "Product2", required=True),
            Field("UnitPrice", "currency", required=True),
            Field("IsActive", "boolean"),
        ),
        _object(
            "Opportunity",
            "006",
            _NAME,
            _ref("AccountId", "Account", access="rw"),
            Field("StageName", "picklist", required=True),
            Field("CloseDate", "date", required=True),
            children={"Quotes": ("Quote", "OpportunityId")},
        ),
        _object(
            "Quote",
            "0Q0",
            _NAME,
            _ref("OpportunityId", "Opportunity", required=True),
            _ref("AccountId", "Account", access="read"),
            _ref("Pricebook2Id", "Pricebook2"),
            _read("QuoteNumber", "string"),
            Field("Status", "picklist", 40),
            Field("ExpirationDate", "date"),
            Field("Description", length=32000),
            _read("LineItemCount", "int"),
            _read("Subtotal", "currency"),
            _read("TotalPrice", "currency"),
            _read("GrandTotal", "currency"),
            Field("Revision__c", length=10),
            Field("ERP_Order_Number__c", length=10, external_id=True),
            Field("ERP_Instance__c", length=40),
            Field("Ordergate_Operation__c", length=40),
            Field("Ordergate_State__c", length=40),
            Field("Ordergate_Message__c"),
            Field("Confirmed_Date__c", "date"),
            children={"QuoteLineItems": ("QuoteLineItem", "QuoteId")},
        ),
        _object(
            "QuoteLineItem",
            "0QL",
            _ref("QuoteId", "Quote", required=True),
            _ref("PricebookEntryId", "PricebookEntry", required=True),
            _ref("Product2Id", "Product2", access="read"),
            _read("LineNumber", "string"),
            Field("SortOrder", "int"),
            Field("Quantity", "double", required=True),
            Field("UnitPrice", "currency", required=True),
            _read("TotalPrice", "currency"),
            Field("ServiceDate", "date"),
            Field("Description"),
            Field("Requested_Date__c", "date"),
            Field("Plant__c", length=4),
            Field("Unit__c", length=3),
            Field("ERP_Item__c", length=6),
            Field("Ordergate_State__c", length=40),
            Field("Confirmed_Quantity__c", "double"),
            Field("Confirmed_Date__c", "date"),
            Field("Ordergate_Message__c"),
        ),
    )
}


def find_object(name: str) -> SObject | None:
    return OBJECTS.get(name) or next((o for o in OBJECTS.values() if o.name.lower() == name.lower()), None)


def describe(one: SObject, base: str) -> dict[str, object]:
    """The part of a describe answer that clients read."""
    return {
        "name": one.name,
        "label": one.name,
        "keyPrefix": one.prefix,
        "queryable": True,
        "createable": True,
        "updateable": True,
        "deletable": True,
        "custom": False,
        "fields": [_describe_field(f) for f in one.fields.values()],
        "childRelationships": [
            {"relationshipName": name, "childSObject": child, "field": key}
            for name, (child, key) in one.children.items()
        ],
        "urls": {"sobject": f"{base}/{one.name}", "rowTemplate": f"{base}/{one.name}/{{ID}}"},
    }


def _describe_field(f: Field) -> dict[str, object]:
    return {
        "name": f.name,
        "label": f.name.removesuffix("__c").replace("_", " "),
        "type": f.type,
        "length": f.length if f.type in ("string", "id", "picklist", "reference") else 0,
        "createable": f.access != "read",
        "updateable": f.access == "rw",
        "nillable": not f.required,
        "custom": f.name.endswith("__c"),
        "externalId": f.external_id,
        "referenceTo": [f.refers_to] if f.refers_to else [],
        "relationshipName": f.relationship,
    }
