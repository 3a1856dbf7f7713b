"""What the neighbours hold, read at their own doors, with nothing of the gateway: the other half of the judgement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx

_ORDERS = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder"
_QUOTES = (
    "SELECT Id, Name, ERP_Order_Number__c, Ordergate_State__c, Ordergate_Operation__c, Confirmed_Date__c, "
    "(SELECT Id, Product2.ProductCode, Quantity, Requested_Date__c, ERP_Item__c, Ordergate_State__c, "
    "Confirmed_Quantity__c, Confirmed_Date__c FROM QuoteLineItems ORDER BY SortOrder) FROM Quote WHERE Name > 'Q-2000'"
)
_ODATA_DATE = re.compile(r"/Date\((-?\d+)")


@dataclass(frozen=True)
class Item:
    """An order item of the ERP, in its own unit; `days` are those on which something of it is confirmed."""

    number: str
    material: str
    quantity: Decimal
    confirmed: Decimal
    days: tuple[date, ...]


@dataclass(frozen=True)
class Order:
    number: str
    po: str
    reference: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class CrmLine:
    """A line of the CRM's quote: what is wanted for when, and what we wrote to it."""

    line_id: str
    material: str
    quantity: Decimal
    requested: date
    item: str | None
    confirmed: Decimal | None
    day: date | None


@dataclass(frozen=True)
class CrmQuote:
    name: str
    order: str | None
    state: str | None
    operation: str | None
    day: date | None
    lines: tuple[CrmLine, ...]


@dataclass(frozen=True)
class Commitment:
    """A piece of production that the scheduler holds for an order; `line` as the gateway named it."""

    line: str
    material: str
    quantity: Decimal
    day: date


@dataclass(frozen=True)
class Neighbours:
    """`quotes` by the CRM's id, `commitments` by order number."""

    orders: tuple[Order, ...]
    quotes: dict[str, CrmQuote]
    commitments: dict[str, tuple[Commitment, ...]]


def read_neighbours(urls: dict[str, str], since_plan: str) -> Neighbours:
    """All of it; `since_plan` is the plan version from before the first commitment."""
    with httpx.Client(timeout=60, trust_env=False) as http:
        return Neighbours(
            orders=tuple(_orders(http, urls["sap"])),
            quotes=dict(_quotes(http, urls["salesforce"])),
            commitments=dict(_commitments(http, urls["scheduler"], since_plan)),
        )


def plan_version(urls: dict[str, str]) -> str:
    answer = httpx.get(f"{urls['scheduler']}/v1/health", headers=_KEY, trust_env=False)
    return str(answer.raise_for_status().json()["planVersion"])


def _orders(http: httpx.Client, url: str) -> Iterator[Order]:
    """Those that came in by the API, whoever sent them."""
    expand = "$expand=to_Item/to_ScheduleLine&$format=json&sap-client=100"
    following: str | None = f"{url}{_ORDERS}?$filter=CreatedByUser%20eq%20'SANDBOX'&{expand}"
    while following:
        page = http.get(following, auth=("SANDBOX", "Welcome1")).raise_for_status().json()["d"]
        for raw in page["results"]:
            items = tuple(_item(each) for each in raw["to_Item"]["results"])
            yield Order(raw["SalesOrder"], raw["PurchaseOrderByCustomer"], raw["PurchaseOrderByShipToParty"], items)
        following = page.get("__next")


def _item(raw: dict[str, Any]) -> Item:
    lines = raw["to_ScheduleLine"]["results"]
    confirmed = [(Decimal(line["ConfdOrderQtyByMatlAvailCheck"]), line["ConfirmedDeliveryDate"]) for line in lines]
    return Item(
        number=raw["SalesOrderItem"],
        material=raw["Material"],
        quantity=Decimal(raw["RequestedQuantity"]),
        confirmed=sum((quantity for quantity, _ in confirmed), Decimal(0)),
        days=tuple(_odata_day(day) for quantity, day in confirmed if quantity and day),
    )


def _quotes(http: httpx.Client, url: str) -> Iterator[tuple[str, CrmQuote]]:
    secret = {"client_id": "ordergate", "client_secret": "salesforce-sandbox-secret"}
    granted = http.post(f"{url}/services/oauth2/token", data={"grant_type": "client_credentials", **secret})
    headers = {"Authorization": f"Bearer {granted.raise_for_status().json()['access_token']}"}
    answer = http.get(f"{url}/services/data/v60.0/query", params={"q": _QUOTES}, headers=headers)
    while True:
        page = answer.raise_for_status().json()
        for raw in page["records"]:
            yield str(raw["Id"]), _quote(raw)
        if page["done"]:
            return
        answer = http.get(url + page["nextRecordsUrl"], headers=headers)


def _quote(raw: dict[str, Any]) -> CrmQuote:
    inner = raw["QuoteLineItems"]
    if not inner["done"]:
        raise ValueError(f"quote {raw['Name']} has more lines than one page shows")
    return CrmQuote(
        name=raw["Name"],
        order=raw["ERP_Order_Number__c"],
        state=raw["Ordergate_State__c"],
        operation=raw["Ordergate_Operation__c"],
        day=_iso_day(raw["Confirmed_Date__c"]),
        lines=tuple(
            CrmLine(
                line_id=line["Id"],
                material=line["Product2"]["ProductCode"],
                quantity=Decimal(str(line["Quantity"])),
                requested=date.fromisoformat(line["Requested_Date__c"]),
                item=line["ERP_Item__c"],
                confirmed=None
                if line["Confirmed_Quantity__c"] is None
                else Decimal(str(line["Confirmed_Quantity__c"])),
                day=_iso_day(line["Confirmed_Date__c"]),
            )
            for line in inner["records"]
        ),
    )


def _commitments(http: httpx.Client, url: str, since: str) -> Iterator[tuple[str, tuple[Commitment, ...]]]:
    while True:
        asked = {"since": since, "limit": "100"}
        page = http.get(f"{url}/v1/commitments", params=asked, headers=_KEY).raise_for_status().json()
        for order in page["orders"]:
            yield (
                str(order["orderReference"]),
                tuple(
                    Commitment(
                        line["lineId"], line["material"], Decimal(line["quantity"]), date.fromisoformat(line["date"])
                    )
                    for line in order["lines"]
                ),
            )
        if not page["more"]:
            return
        since = page["planVersion"]


def _odata_day(text: str) -> date:
    found = _ODATA_DATE.match(text)
    if found is None:
        raise ValueError(f"{text} is no day")
    return datetime.fromtimestamp(int(found[1]) / 1000, UTC).date()


def _iso_day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


_KEY = {"X-API-Key": "scheduler-sandbox-key"}
