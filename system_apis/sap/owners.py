"""SAP's fields that a write may carry, in the words of `system_apis.ownership`. A customer's own reference field
(`YY1_…`, `ZZ…`) is ours by configuration; a field of SAP's own that is configured as one still belongs to SAP."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from system_apis.errand import Errand
from system_apis.ownership import Words, guard
from system_apis.sap.batch import Part

ORDER, ITEM, LINE, PARTNER = (
    "A_SalesOrder",
    "A_SalesOrderItem",
    "A_SalesOrderScheduleLine",
    "A_SalesOrderHeaderPartner",
)
_BEHIND = {
    **{"to_Item": ITEM, "to_Partner": PARTNER, "to_ScheduleLine": LINE},
    **{"_Item": "SalesOrderItem", "_Partner": "SalesOrderPartner", "_ScheduleLine": "SalesOrderScheduleLine"},
}
"""What a navigation leads to: those of version 2 and, without the prefix, those of version 4."""
_ADDRESS = re.compile(r"^/?(?:sap/opu/odata/sap/\w+/|sap/opu/odata4/(?:\w+/){5}\d{4}/)?(\w+)(?:\([^)]*\))?(?:/(\w+))?$")
_OWN_FIELD = re.compile(r"^(YY1_|ZZ)\w+$")
_DECODER = msgspec.json.Decoder(dict[str, Any])

WORDS: Mapping[str, Words] = {
    ORDER: Words(
        "order",
        {
            "SalesOrderType": "type",
            "SalesOrganization": "salesArea",
            "DistributionChannel": "salesArea",
            "OrganizationDivision": "salesArea",
            "SoldToParty": "soldTo",
            "PurchaseOrderByCustomer": "customerPo",
            "PurchaseOrderByShipToParty": "reference",
            "RequestedDeliveryDate": "requestedDate",
            "ReferenceSDDocument": "predecessor",
            "DeliveryBlockReason": "block",
            "HeaderBillingBlockReason": "block",
            "to_Item": "items",
            "to_Partner": "partners",
            "SalesOrder": "number",
            "TotalNetAmount": "price",
            "TransactionCurrency": "price",
            "TotalCreditCheckStatus": "creditState",
            "OverallDeliveryStatus": "deliveryState",
            "OverallSDProcessStatus": "state",
            "LastChangeDateTime": "version",
        },
    ),
    ITEM: Words(
        "orderItem",
        {
            "SalesOrderItem": "number",
            "Material": "material",
            "RequestedQuantity": "quantity",
            "RequestedQuantityUnit": "unit",
            "ProductionPlant": "plant",
            "SalesDocumentRjcnReason": "rejectionReason",
            "ReferenceSDDocument": "predecessor",
            "ReferenceSDDocumentItem": "predecessor",
            "NetAmount": "price",
            "TaxAmount": "price",
            "CostAmount": "price",
            "DeliveryStatus": "deliveryState",
        },
    ),
    LINE: Words(
        "orderItem",
        {
            "RequestedDeliveryDate": "requestedDate",
            "ScheduleLineOrderQuantity": "quantity",
            "DelivBlockReasonForSchedLine": "block",
            "ConfirmedDeliveryDate": "confirmedDate",
            "ConfdOrderQtyByMatlAvailCheck": "confirmedQuantity",
            "DeliveredQtyInOrderQtyUnit": "deliveredQuantity",
        },
    ),
    PARTNER: Words("order", {"PartnerFunction": "partners", "Customer": "partners"}),
}


def words_with(reference_field: str) -> Mapping[str, Words]:
    """The words of an instance that keeps our reference in a field of its own."""
    return with_reference(WORDS, ORDER, reference_field)


def with_reference(words: Mapping[str, Words], order: str, reference_field: str) -> Mapping[str, Words]:
    """These words and our own field at the order: a field of SAP's stays what it is."""
    known = words[order].fields
    if reference_field in known or not _OWN_FIELD.match(reference_field):
        return words
    return {**words, order: Words("order", {**known, reference_field: "reference"})}


def guard_body(errand: Errand, words: Mapping[str, Words], entity: str, body: Mapping[str, Any]) -> None:
    """Every field of a deep insert, those of its items and partners too."""
    guard(errand, words, entity, body)
    for name, value in body.items():
        for each in value if isinstance(value, list) else ():
            guard_body(errand, words, _BEHIND.get(name, name), each)


def guard_parts(errand: Errand, words: Mapping[str, Words], parts: Iterable[Part]) -> None:
    """Every field of every part of a changeset. A part without a body removes a wish of ours, a schedule line."""
    for part in parts:
        if part.body:
            guard_body(errand, words, _entity(part.path), _DECODER.decode(part.body))


def _entity(path: str) -> str:
    found = _ADDRESS.match(path)
    if found is None:
        return path
    return _BEHIND.get(found[2], found[2]) if found[2] else found[1]
