"""As many quotes as a test wants, entered in the CRM as a sales person would: copies of one that is there."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import httpx

from benchmarks.chaos.asked import Quote
from tests.sandbox import RunningSandbox

FIRST_NAME = 2001
BOUGHT, MADE = ("TG11", 2), ("FG126", 12)
"""What each copy asks for. Of the second ten lie in stock: whoever comes first takes them, all others need the plan."""
_COPIED = ("OpportunityId", "Pricebook2Id", "Status", "ExpirationDate", "Revision__c")
_COPIED_OF_LINES = ("PricebookEntryId", "UnitPrice", "SortOrder", "Plant__c", "Unit__c")
_LATER = timedelta(days=20)


def copies_of(sandbox: RunningSandbox, name: str, customer: str, count: int) -> list[Quote]:
    """Q-2001 and so on, of two lines, each with a day of its own."""
    with _crm(sandbox) as crm:
        (quote,) = _found(crm, f"SELECT {', '.join(_COPIED)} FROM Quote WHERE Name = '{name}'")
        fields = ", ".join((*_COPIED_OF_LINES, "Requested_Date__c", "Product2.ProductCode"))
        lines = _found(crm, f"SELECT {fields} FROM QuoteLineItem WHERE Quote.Name = '{name}'")
        wanted = {line["Product2"]["ProductCode"]: line for line in lines}
        names = [f"Q-{FIRST_NAME + place}" for place in range(count)]
        return [Quote(_copy(crm, each, quote, wanted), each, customer) for each in names]


def _copy(crm: httpx.Client, name: str, quote: dict[str, Any], lines: dict[str, dict[str, Any]]) -> str:
    quote_id = _made(crm, "Quote", {field: quote[field] for field in _COPIED} | {"Name": name})
    for (material, quantity), later in ((BOUGHT, _LATER), (MADE, timedelta(0))):
        line = lines[material]
        day = date.fromisoformat(line["Requested_Date__c"]) + later
        own = {"QuoteId": quote_id, "Quantity": quantity, "Requested_Date__c": day.isoformat()}
        _made(crm, "QuoteLineItem", {field: line[field] for field in _COPIED_OF_LINES} | own)
    return quote_id


def _found(crm: httpx.Client, soql: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = crm.get("/query", params={"q": soql}).raise_for_status().json()["records"]
    return records


def _made(crm: httpx.Client, kind: str, fields: dict[str, Any]) -> str:
    return str(crm.post(f"/sobjects/{kind}", json=fields).raise_for_status().json()["id"])


def _crm(sandbox: RunningSandbox) -> httpx.Client:
    base = sandbox.urls["salesforce"]
    secret = {"client_id": "ordergate", "client_secret": "salesforce-sandbox-secret"}
    granted = httpx.post(f"{base}/services/oauth2/token", data={"grant_type": "client_credentials", **secret})
    headers = {"Authorization": f"Bearer {granted.raise_for_status().json()['access_token']}"}
    return httpx.Client(base_url=f"{base}/services/data/v60.0", headers=headers)
