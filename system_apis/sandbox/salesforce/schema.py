"""The objects of the CRM: fields, types, what may be written, who refers to whom. Multi-currency is on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Access = Literal["rw", "create", "read"]


@dataclass(frozen=True)
class Field:
    """`access` is what a caller may do; `refers_to` names the parent object of a reference."""

    name: str
    type: str
    length: int
    required: bool
    access: Access
    external_id: bool
    unique: bool
    refers_to: str | None

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    @property
    def relationship(self) -> str | None:
        """The name under which SOQL reaches the parent."""
        if not self.refers_to:
            return None
        return f"{self.name.removesuffix('__c')}__r" if self.custom else self.name.removesuffix("Id")


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


_SYSTEM = """
    Id:id/18- IsDeleted:boolean- CurrencyIsoCode:picklist/3 CreatedDate:datetime- LastModifiedDate:datetime-
    SystemModstamp:datetime-
"""
_OBJECTS = """
Account 001
    Name! AccountNumber/40 ERP_Customer__c/10#
Product2 01t
    Name! ProductCode IsActive:boolean QuantityUnitOfMeasure
Pricebook2 01s
    Name! IsStandard:boolean- IsActive:boolean
PricebookEntry 01u
    Pricebook2Id>Pricebook2!+ Product2Id>Product2!+ UnitPrice:currency! IsActive:boolean
Opportunity 006
    Name! AccountId>Account StageName:picklist! CloseDate:date!
Quote 0Q0
    Name! OpportunityId>Opportunity.Quotes!+ AccountId>Account- Pricebook2Id>Pricebook2+ QuoteNumber-
    Status:picklist/40 ExpirationDate:date Description/32000 LineItemCount:int- Subtotal:currency-
    TotalPrice:currency- GrandTotal:currency- Revision__c/10 ERP_Order_Number__c/20# ERP_Instance__c/64
    Ordergate_Operation__c/40 Ordergate_State__c/40 Ordergate_Message__c Confirmed_Date__c:date ERP_Ship_To__c/10
QuoteLineItem 0QL
    QuoteId>Quote.QuoteLineItems!+ PricebookEntryId>PricebookEntry!+ Product2Id>Product2- LineNumber- SortOrder:int
    Quantity:double! UnitPrice:currency! TotalPrice:currency- ServiceDate:date Description Requested_Date__c:date
    Plant__c/4 Unit__c/3 ERP_Item__c/10 Ordergate_State__c/40 Confirmed_Quantity__c:double Confirmed_Date__c:date
    Ordergate_Message__c Configuration_Id__c/40 Bundle_Revision__c/20 BOM_Revision__c/20 Routing_Revision__c/20
Order 801
    AccountId>Account.Orders! EffectiveDate:date! Status:picklist/40! StatusCode:picklist/40- OrderNumber- Name/80
    Pricebook2Id>Pricebook2 QuoteId>Quote.Orders OpportunityId>Opportunity PoNumber/80 EndDate:date Type:picklist/40
    TotalAmount:currency- ERP_Order_Number__c/20#^ ERP_Instance__c/64
OrderItem 802
    OrderId>Order.OrderItems!+ PricebookEntryId>PricebookEntry!+ Product2Id>Product2- QuoteLineItemId>QuoteLineItem
    OrderItemNumber- Quantity:double! UnitPrice:currency! TotalPrice:currency- ServiceDate:date Description
    ERP_Item__c/10
Ordergate_Exception__c a01
    Name- Exception_Id__c/40!#^ Quote__c>Quote.Ordergate_Exceptions__r Quote_Line_Id__c/18 Operation__c/40
    Correlation_Id__c/128 Code__c/60 Category__c/40 Severity__c/20 State__c/20 Step__c/60 Detail__c
    Blocking__c:boolean Retryable__c:boolean Owner_Role__c/40 Opened_At__c:datetime Due_At__c:datetime
    Source_System__c/40 Source_Instance__c/64 Source_Code__c/80 Source_Text__c Remediation__c
"""
"""An object and its key prefix, then its fields: `name:type/length>Parent.Children` and marks. A text of 255 unless
said otherwise; ! required, + only at creation, - never written, # external id, ^ unique."""

_FIELD = re.compile(r"(\w+)(?::(\w+))?(?:/(\d+))?(?:>(\w+)(?:\.(\w+))?)?([!+\-#^]*)")


def _read_objects() -> dict[str, SObject]:
    objects: dict[str, SObject] = {}
    links: list[tuple[str, str, str, str]] = []
    for block in re.split(r"\n(?=\w)", _OBJECTS.strip()):
        head, _, body = block.partition("\n")
        name, prefix = head.split()
        one = objects[name] = SObject(name, prefix, {})
        for found in _FIELD.finditer(_SYSTEM + body):
            key, kind, length, parent, children, marks = found.groups()
            access: Access = "read" if "-" in marks else "create" if "+" in marks else "rw"
            one.fields[key] = Field(
                name=key,
                type=kind or ("reference" if parent else "string"),
                length=18 if parent else int(length or 255),
                required="!" in marks,
                access=access,
                external_id="#" in marks,
                unique="^" in marks,
                refers_to=parent,
            )
            if children:
                links.append((parent, children, name, key))
    for parent, children, name, key in links:
        objects[parent].children[children] = (name, key)
    return objects


OBJECTS = _read_objects()


def find_object(name: str) -> SObject | None:
    return OBJECTS.get(name) or next((o for o in OBJECTS.values() if o.name.lower() == name.lower()), None)


def describe(one: SObject, base: str) -> dict[str, object]:
    """The part of a describe answer that clients read."""
    return {
        "name": one.name,
        "label": one.name.removesuffix("__c").replace("_", " "),
        "keyPrefix": one.prefix,
        **dict.fromkeys(("queryable", "createable", "updateable", "deletable", "retrieveable"), True),
        "custom": one.name.endswith("__c"),
        "fields": [_describe_field(f) for f in one.fields.values()],
        "childRelationships": [
            {"relationshipName": name, "childSObject": child, "field": key}
            for name, (child, key) in one.children.items()
        ],
        "urls": {"sobject": f"{base}/{one.name}", "rowTemplate": f"{base}/{one.name}/{{ID}}"},
    }


def _describe_field(f: Field) -> dict[str, object]:
    text, number = f.type in ("string", "id", "picklist", "reference"), f.type in ("double", "currency")
    return {
        "name": f.name,
        "label": f.name.removesuffix("__c").replace("_", " "),
        "type": f.type,
        "length": f.length if text else 0,
        "precision": 18 if number else 0,
        "scale": (3 if f.type == "double" else 2) if number else 0,
        "createable": f.access != "read",
        "updateable": f.access == "rw",
        "nillable": not f.required,
        "defaultedOnCreate": f.type == "boolean",
        "custom": f.custom,
        "externalId": f.external_id,
        "idLookup": f.external_id or f.name == "Id",
        "unique": f.unique,
        "caseSensitive": f.unique,
        "filterable": True,
        "sortable": True,
        "autoNumber": f.name in ("QuoteNumber", "LineNumber", "OrderNumber", "OrderItemNumber"),
        "calculated": False,
        "picklistValues": [],
        "referenceTo": [f.refers_to] if f.refers_to else [],
        "relationshipName": f.relationship,
    }
