"""The life of a CRM order: born as a draft, activated once it has items, and then its items stand."""

from __future__ import annotations

from typing import Any, Protocol

from system_apis.sandbox.salesforce.errors import CrmError, Row
from system_apis.sandbox.salesforce.schema import SObject

CODES = {"Draft": "Draft", "Order Processing": "Draft", "Activated": "Activated", "Shipped": "Activated"}
"""This organisation's statuses, and the status code that each stands for: the code is what counts."""


class Rows(Protocol):
    tables: dict[str, dict[str, Row]]

    def lines(self, one: SObject, key: str) -> list[Row]: ...


def check_new(rows: Rows, one: SObject, clean: Row) -> None:
    if one.name == "Order" and _code(clean) != "Draft":
        raise CrmError(400, "INVALID_STATUS", "Choose a valid order status and save your changes.", ["Status"])
    if one.name == "OrderItem":
        _refuse_if_active(rows, clean["OrderId"])


def check_change(rows: Rows, one: SObject, row: Row, clean: Row) -> None:
    if one.name == "Order" and clean.get("Status") and _code(clean) == "Activated" and not rows.lines(one, row["Id"]):
        raise CrmError(400, "FAILED_ACTIVATION", "An order must have at least one product to be activated.", [])


def check_delete(rows: Rows, one: SObject, row: Row) -> None:
    if one.name == "OrderItem":
        _refuse_if_active(rows, row["OrderId"])


def _code(clean: dict[str, Any]) -> str:
    if clean["Status"] not in CODES:
        told = f"Status: bad value for restricted picklist field: {clean['Status']}"
        raise CrmError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", told, ["Status"])
    return CODES[clean["Status"]]


def _refuse_if_active(rows: Rows, order: str) -> None:
    if CODES[rows.tables["Order"][order]["Status"]] == "Activated":
        raise CrmError(400, "ENTITY_IS_LOCKED", "unable to modify activated or superseded order", [])
