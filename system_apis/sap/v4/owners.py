"""Version 4's fields that a write may carry, in the words of `system_apis.ownership`."""

from __future__ import annotations

from collections.abc import Mapping

from system_apis.ownership import Words
from system_apis.sap import owners

ORDER, ITEM, PARTNER, LINE = "SalesOrder", "SalesOrderItem", "SalesOrderPartner", "SalesOrderScheduleLine"
_ONLY_IN_V2 = {"ReferenceSDDocument", "to_Item", "to_Partner"}
_HEADER = owners.WORDS[owners.ORDER].fields

WORDS: Mapping[str, Words] = {
    # Header and partners are called as in version 2, but for the navigations. What is computed here is no word of ours.
    ORDER: Words(
        "order",
        {
            **{name: word for name, word in _HEADER.items() if name not in _ONLY_IN_V2},
            "_Item": "items",
            "_Partner": "partners",
        },
    ),
    ITEM: Words(
        "orderItem",
        {
            "SalesOrderItem": "number",
            "Product": "material",
            "RequestedQuantity": "quantity",
            "RequestedQuantitySAPUnit": "unit",
            "RequestedDeliveryDate": "requestedDate",
            "Plant": "plant",
            "SalesDocumentRjcnReason": "rejectionReason",
            "NetAmount": "price",
            "TaxAmount": "price",
            "DeliveryStatus": "deliveryState",
            "ConfirmedDeliveryDate": "confirmedDate",
        },
    ),
    # Not one field of a schedule line can be written; that they are SAP's is said all the same.
    LINE: Words(
        "orderItem",
        {
            "ConfirmedDeliveryDate": "confirmedDate",
            "ConfdOrderQtyByMatlAvailCheck": "confirmedQuantity",
            "DeliveredQtyInOrderQtyUnit": "deliveredQuantity",
        },
    ),
    PARTNER: Words("order", dict(owners.WORDS[owners.PARTNER].fields)),
}


def words_with(reference_field: str) -> Mapping[str, Words]:
    """The words of an instance that keeps our reference in a field of its own."""
    return owners.with_reference(WORDS, ORDER, reference_field)
