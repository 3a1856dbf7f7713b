"""An independent witness: asks SAP, Salesforce and the scheduler themselves, past the gateway and without its code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx

from app.cli.pair import Sandbox

_SERVICE = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"
_ODATA_DATE = re.compile(r"/Date\((-?\d+)")


@dataclass(frozen=True, slots=True)
class Seen:
    """An order as the ERP holds it: per item its quantity, and the confirmed quantities by day."""

    number: str
    reference: str
    items: dict[str, SeenItem]

    def item_of(self, material: str) -> SeenItem:
        return next(item for item in self.items.values() if item.material == material)


@dataclass(frozen=True, slots=True)
class SeenItem:
    item: str
    material: str
    quantity: Decimal
    requested: date | None
    confirmed: tuple[tuple[date | None, Decimal], ...]


class Witness:
    """Reads with the sandbox's own credentials; the gateway's answers are never its source."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._control = httpx.Client(base_url=sandbox.control, trust_env=False)
        self._sap = httpx.Client(
            base_url=sandbox.sap, auth=("SANDBOX", "Welcome1"), headers={"sap-client": "100"}, trust_env=False
        )
        self._crm = httpx.Client(base_url=sandbox.salesforce, trust_env=False)
        self._plan = httpx.Client(
            base_url=sandbox.scheduler, headers={"X-API-Key": "scheduler-sandbox-key"}, trust_env=False
        )

    def today(self) -> date:
        """The day on which the sandbox's world began."""
        return date.fromisoformat(self._control.get("/world").raise_for_status().json()["today"])

    def orders(self, reference: str) -> list[Seen]:
        """The ERP orders that carry our operation id. More than one would be what we promise never to let happen."""
        answer = self._sap.get(
            f"{_SERVICE}/A_SalesOrder",
            params={
                "$filter": f"PurchaseOrderByShipToParty eq '{reference}'",
                "$expand": "to_Item/to_ScheduleLine",
                "$format": "json",
            },
        )
        return [_order(each) for each in answer.raise_for_status().json()["d"]["results"]]

    def orders_in_all(self) -> int:
        """How many orders the ERP holds that came in by its API, whoever made them; it had some before."""
        mine = {"$filter": "CreatedByUser eq 'SANDBOX'"}
        answer = self._sap.get(
            f"{_SERVICE}/A_SalesOrder", params={**mine, "$select": "SalesOrder", "$top": "1000", "$format": "json"}
        )
        return len(answer.raise_for_status().json()["d"]["results"])

    def quote_id(self, name: str) -> str:
        found = self._query(f"SELECT Id FROM Quote WHERE Name = '{name}'")  # noqa: S608  SOQL, and the name is ours
        return str(found[0]["Id"])

    def quote(self, quote_id: str) -> dict[str, Any]:
        """The quote record as a CRM user sees it, custom fields included."""
        answer = self._crm.get(
            f"/services/data/v60.0/sobjects/Quote/{quote_id}", headers={"Authorization": f"Bearer {self._crm_token()}"}
        )
        return dict(answer.raise_for_status().json())

    def quote_lines(self, quote_id: str) -> list[dict[str, Any]]:
        return self._query(
            "SELECT Id, Quantity, ERP_Item__c, Ordergate_State__c, Confirmed_Quantity__c, Confirmed_Date__c "  # noqa: S608
            f"FROM QuoteLineItem WHERE QuoteId = '{quote_id}'"
        )

    def commitments(self, order_number: str) -> list[dict[str, Any]]:
        """What the plan holds for the order, per line: quantity, date, work centre."""
        answer = self._plan.get(f"/v1/orders/{order_number}/commitments")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        return list(answer.raise_for_status().json()["lines"])

    def close(self) -> None:
        for each in (self._control, self._sap, self._crm, self._plan):
            each.close()

    def _query(self, soql: str) -> list[dict[str, Any]]:
        answer = self._crm.get(
            "/services/data/v60.0/query", params={"q": soql}, headers={"Authorization": f"Bearer {self._crm_token()}"}
        )
        return list(answer.raise_for_status().json()["records"])

    def _crm_token(self) -> str:
        answer = self._crm.post(
            "/services/oauth2/token",
            data={
                "grant_type": "client_credentials",
                "client_id": "ordergate",
                "client_secret": "salesforce-sandbox-secret",
            },
        )
        return str(answer.raise_for_status().json()["access_token"])


def _order(raw: dict[str, Any]) -> Seen:
    items = (_item(each) for each in raw["to_Item"]["results"])
    return Seen(raw["SalesOrder"], raw["PurchaseOrderByShipToParty"], {item.item: item for item in items})


def _item(raw: dict[str, Any]) -> SeenItem:
    lines = raw["to_ScheduleLine"]["results"]
    return SeenItem(
        item=raw["SalesOrderItem"].lstrip("0"),
        material=raw["Material"],
        quantity=Decimal(raw["RequestedQuantity"]),
        requested=_day(lines[0]["RequestedDeliveryDate"]) if lines else None,
        confirmed=tuple(
            (_day(line["ConfirmedDeliveryDate"]), Decimal(line["ConfdOrderQtyByMatlAvailCheck"])) for line in lines
        ),
    )


def _day(text: str | None) -> date | None:
    """OData V2 writes a day as milliseconds since 1970, `/Date(1700000000000)/`."""
    found = _ODATA_DATE.match(text or "")
    return datetime.fromtimestamp(int(found[1]) / 1000, UTC).date() if found else None
