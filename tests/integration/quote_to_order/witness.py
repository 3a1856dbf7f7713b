"""What the neighbours themselves say, asked at their own doors and not through the gateway."""

from __future__ import annotations

from typing import Any

import httpx

from tests.sandbox import RunningSandbox

_ORDERS = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder"


def orders_of(sandbox: RunningSandbox, reference: str) -> list[dict[str, Any]]:
    """The SAP orders that carry our reference, with their items."""
    asked = {
        "$filter": f"PurchaseOrderByShipToParty eq '{reference}'",
        "$expand": "to_Item",
        "$format": "json",
        "sap-client": "100",
    }
    answer = httpx.get(sandbox.urls["sap"] + _ORDERS, params=asked, auth=("SANDBOX", "Welcome1"))
    found: list[dict[str, Any]] = answer.raise_for_status().json()["d"]["results"]
    return found


def posts(sandbox: RunningSandbox) -> int:
    """How often an order was sent to SAP."""
    return sum(one["method"] == "POST" and one["path"].endswith("/A_SalesOrder") for one in sandbox.journal("sap"))


def quote(sandbox: RunningSandbox, quote_id: str) -> dict[str, Any]:
    """The CRM's quote, all fields."""
    with _crm(sandbox) as crm:
        found: dict[str, Any] = crm.get(f"/Quote/{quote_id}").raise_for_status().json()
    return found


def quote_line(sandbox: RunningSandbox, line_id: str) -> dict[str, Any]:
    """A line of the CRM's quote, all fields."""
    with _crm(sandbox) as crm:
        found: dict[str, Any] = crm.get(f"/QuoteLineItem/{line_id}").raise_for_status().json()
    return found


def change_line(sandbox: RunningSandbox, line_id: str, fields: dict[str, str]) -> None:
    """As a sales person would."""
    with _crm(sandbox) as crm:
        crm.patch(f"/QuoteLineItem/{line_id}", json=fields).raise_for_status()


def change_quote(sandbox: RunningSandbox, quote_id: str, fields: dict[str, str]) -> None:
    """As a sales person would."""
    with _crm(sandbox) as crm:
        crm.patch(f"/Quote/{quote_id}", json=fields).raise_for_status()


def add_line(sandbox: RunningSandbox, quote_id: str, like: str, **fields: object) -> str:
    """Another line on the quote, like one that is there but for these fields; its id."""
    copied = ("PricebookEntryId", "UnitPrice", "SortOrder", "Plant__c", "Unit__c", "Requested_Date__c", "Quantity")
    before = quote_line(sandbox, like)
    with _crm(sandbox) as crm:
        row = {name: before[name] for name in copied} | {"QuoteId": quote_id} | fields
        made: str = crm.post("/QuoteLineItem", json=row).raise_for_status().json()["id"]
    return made


def exceptions_of(sandbox: RunningSandbox, operation_id: str) -> list[dict[str, Any]]:
    """The CRM's records of what went wrong with an operation."""
    names = "Exception_Id__c, Code__c, Quote_Line_Id__c, Owner_Role__c, State__c, Blocking__c, Remediation__c"
    asked = f"SELECT {names} FROM Ordergate_Exception__c WHERE Operation__c = '{operation_id}'"
    with _crm(sandbox) as crm:
        url = f"{sandbox.urls['salesforce']}/services/data/v60.0/query"
        found: list[dict[str, Any]] = crm.get(url, params={"q": asked}).raise_for_status().json()["records"]
    return found


def partners_of(sandbox: RunningSandbox, number: str) -> dict[str, str]:
    """The partners of a SAP order, by their function."""
    asked = {"$format": "json", "sap-client": "100"}
    url = f"{sandbox.urls['sap']}{_ORDERS}('{number}')/to_Partner"
    answer = httpx.get(url, params=asked, auth=("SANDBOX", "Welcome1")).raise_for_status()
    return {one["PartnerFunction"]: one["Customer"] for one in answer.json()["d"]["results"]}


def delete_quote(sandbox: RunningSandbox, quote_id: str) -> None:
    with _crm(sandbox) as crm:
        crm.delete(f"/Quote/{quote_id}").raise_for_status()


def _crm(sandbox: RunningSandbox) -> httpx.Client:
    base = sandbox.urls["salesforce"]
    secret = {"client_id": "ordergate", "client_secret": "salesforce-sandbox-secret"}
    granted = httpx.post(f"{base}/services/oauth2/token", data={"grant_type": "client_credentials", **secret})
    headers = {"Authorization": f"Bearer {granted.raise_for_status().json()['access_token']}"}
    return httpx.Client(base_url=f"{base}/services/data/v60.0/sobjects", headers=headers)


def commitments(sandbox: RunningSandbox, number: str) -> list[dict[str, Any]]:
    """The capacity that the scheduler holds for an order; empty if none."""
    headers = {"X-API-Key": "scheduler-sandbox-key"}
    answer = httpx.get(f"{sandbox.urls['scheduler']}/v1/orders/{number}/commitments", headers=headers)
    lines: list[dict[str, Any]] = answer.json()["lines"] if answer.is_success else []
    return lines
