"""The sandbox answers in the shapes of the tapes that the clients are tested with: one truth, read from both sides."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.contract.tape import tape
from tests.sandbox import RunningSandbox

SAP = "/sap/opu/odata/sap"
BASE = "/services/data/v68.0"
FORM = {"grant_type": "client_credentials", "client_id": "ordergate", "client_secret": "salesforce-sandbox-secret"}
FORMS = (
    *(r"/Date\(\d+\)/", r"/Date\(\d+\+0000\)/", r"W/\"datetimeoffset'[^']+'\"", r"W/\"'\d+'\"", r"\d{4}-\d\d-\d\d"),
    *(r"W/\"SADL-\d{21}C~\d{14}\.\d{7}\"", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z"),
)
LINES = "Id, LineNumber, Quantity, UnitPrice, Product2.ProductCode, Requested_Date__c, Plant__c, Unit__c"
QUOTE = "Id, QuoteNumber, Name, Status, ExpirationDate, LastModifiedDate, Revision__c, ERP_Order_Number__c"


def shape(value: Any) -> str:
    """What a client may rely on: the JSON type, and the form where a text has one."""
    if isinstance(value, str):
        return next((form for form in FORMS if re.fullmatch(form, value)), "text")
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def misfits(taped: Any, live: Any, path: str = "") -> Iterator[str]:
    """Where the live answer lacks what the tape has, or has it in another shape. Customer fields are nobody's."""
    if isinstance(taped, dict) and isinstance(live, dict):
        for name, value in taped.items():
            if name.startswith("YY1_") or name in ("__deferred", "nextRecordsUrl"):
                continue
            if name not in live:
                yield f"{path}/{name} is missing"
            else:
                yield from misfits(value, live[name], f"{path}/{name}")
    elif isinstance(taped, list) and isinstance(live, list):
        if taped and not live:
            yield f"{path} is empty"
        for place, value in enumerate(taped if live else []):
            yield from misfits(value, live[min(place, len(live) - 1)], f"{path}[]")
    elif taped is not None and live is not None and "deferred" not in str(live) and shape(taped) != shape(live):
        yield f"{path}: {shape(taped)} on the tape, {shape(live)} here"


Ask = Callable[[httpx.Client], httpx.Response]


def sap(path: str, **query: str) -> Ask:
    return lambda client: client.get(f"{SAP}/{path}", params={f"${name}": value for name, value in query.items()})


def simulated(material: str) -> Ask:
    item = {"Material": material, "RequestedQuantity": "70", "to_ScheduleLine": [], "to_PricingElement": []}
    area = {"SalesOrganization": "1710", "DistributionChannel": "10", "OrganizationDivision": "00"}
    head = {"SalesOrderType": "OR", "SoldToParty": "17100001", **area, "to_Pricing": {}, "to_Credit": {}}
    body = head | {"to_PricingElement": [], "to_Item": [item]}
    path = f"{SAP}/API_SALES_ORDER_SIMULATION_SRV/A_SalesOrderSimulation"
    return lambda client: client.post(path, json=body)


def created(client: httpx.Client) -> httpx.Response:
    area = {"SalesOrganization": "1710", "DistributionChannel": "10", "OrganizationDivision": "00"}
    head = {"SalesOrderType": "OR", "SoldToParty": "17100001", "PurchaseOrderByShipToParty": "op_1", **area}
    item = {"Material": "TG11", "RequestedQuantity": "40"}
    return client.post(f"{SAP}/API_SALES_ORDER_SRV/A_SalesOrder", json=head | {"to_Item": [item]})


ORDER = "API_SALES_ORDER_SRV/A_SalesOrder('90000017')"
AREA = "SalesOrganization='1710',DistributionChannel='10',Division='00'"
OF_SAP: dict[str, Ask] = {
    "sap_order": sap(ORDER, expand="to_Partner,to_Item/to_ScheduleLine"),
    "sap_version": sap(ORDER, select="SalesOrder,PurchaseOrderByCustomer,LastChangeDateTime"),
    "sap_created": created,
    "sap_simulation": simulated("TG12"),
    "sap_discontinued": simulated("TG14"),
    "sap_customer": sap("API_BUSINESS_PARTNER/A_Customer('17100001')"),
    "sap_customer_area": sap(
        f"API_BUSINESS_PARTNER/A_CustomerSalesArea(Customer='17100001',{AREA})", expand="to_PartnerFunction"
    ),
    "sap_delivery_headers": sap("API_OUTBOUND_DELIVERY_SRV/A_OutbDeliveryHeader"),
    "sap_delivery_items": sap("API_OUTBOUND_DELIVERY_SRV/A_OutbDeliveryItem"),
    "sap_product": sap("API_PRODUCT_SRV/A_Product('TG17')", expand="to_ProductUnitsOfMeasure"),
    "sap_product_plant": sap(
        "API_PRODUCT_SRV/A_ProductPlant(Product='FG126',Plant='1710')", expand="to_ProductSupplyPlanning"
    ),
    "sap_production": sap("API_PRODUCTION_ORDER_2_SRV/A_ProductionOrder_2"),
    "sap_stock": sap("API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod"),
}


@pytest.mark.parametrize("name", OF_SAP)
def test_sap_answers_as_on_the_tape(fresh_sandbox: RunningSandbox, name: str) -> None:
    logon, accept = ("SANDBOX", "Welcome1"), {"Accept": "application/json"}
    with httpx.Client(base_url=fresh_sandbox.urls["sap"], auth=logon, headers=accept) as client:
        fetched = client.head(f"{SAP}/API_SALES_ORDER_SRV/", headers={"X-CSRF-Token": "Fetch"})
        client.headers["X-CSRF-Token"] = fetched.headers["x-csrf-token"]
        live = OF_SAP[name](client).json()
    assert list(misfits(json.loads(tape(name)), live)) == []


V4 = "/sap/opu/odata4/sap/api_salesorder/srvd_a2x/sap/salesorder/0001"
ENTERED = {
    "SalesOrderType": "OR",
    "SoldToParty": "17100001",
    **{"SalesOrganization": "1710", "DistributionChannel": "10", "OrganizationDivision": "00"},
    "PurchaseOrderByShipToParty": "op_1",
}


def entered(quantity: object) -> Ask:
    body = ENTERED | {"_Item": [{"Product": "TG12", "RequestedQuantity": quantity}]}
    return lambda client: client.post(f"{V4}/SalesOrder", json=body)


def stale(client: httpx.Client) -> httpx.Response:
    return client.patch(f"{V4}/SalesOrder('90000017')", json={}, headers={"If-Match": 'W/"SADL-old"'})


def v4(path: str, accept: str = "application/json", **query: str) -> Ask:
    asked = {f"${name}": value for name, value in query.items()}
    return lambda client: client.get(f"{V4}/{path}", params=asked, headers={"Accept": accept})


OF_SAP_V4: dict[str, Ask] = {
    "sap_v4_order": v4("SalesOrder('90000017')", expand="_Partner,_Item($expand=_ScheduleLine)"),
    "sap_v4_texts": v4(
        "SalesOrder('90000017')/_Item",
        accept="application/json;IEEE754Compatible=true",
        select="RequestedQuantity,NetAmount",
        count="true",
    ),
    "sap_v4_page": v4("SalesOrder", select="SalesOrder", count="true"),
    "sap_v4_warned": entered(500),
    "sap_v4_wrong_value": entered("1.000"),
    "sap_v4_stale": stale,
}


@pytest.mark.parametrize("name", OF_SAP_V4)
def test_sap_answers_in_v4_as_on_the_tape(fresh_sandbox: RunningSandbox, name: str) -> None:
    fresh_sandbox.sap_settings(page_size=1 if name == "sap_v4_page" else None)
    with httpx.Client(base_url=fresh_sandbox.urls["sap"], auth=("SANDBOX", "Welcome1")) as client:
        fetched = client.head(f"{V4}/", headers={"X-CSRF-Token": "Fetch"})
        client.headers["X-CSRF-Token"] = fetched.headers["x-csrf-token"]
        live = OF_SAP_V4[name](client).json()
    assert list(misfits(json.loads(tape(name)), live)) == []


def crm(path: str, **more: Any) -> Ask:
    return lambda client: client.get(BASE + path, **more)


def composite(*states: str) -> Ask:
    def ask(client: httpx.Client) -> httpx.Response:
        (row,) = client.get(f"{BASE}/query", params={"q": "SELECT Id FROM Quote LIMIT 1"}).json()["records"]
        url = f"{BASE}/sobjects/Quote/{row['Id']}"
        parts = [
            {"method": "PATCH", "url": url, "referenceId": f"record{n}", "body": {"Ordergate_State__c": state}}
            for n, state in enumerate(states)
        ]
        return client.post(f"{BASE}/composite", json={"allOrNone": True, "compositeRequest": parts})

    return ask


OF_SALESFORCE: dict[str, Ask] = {
    "salesforce_token": lambda client: client.post("/services/oauth2/token", data=FORM),
    "salesforce_versions": lambda client: client.get("/services/data"),
    "salesforce_expired": lambda client: client.get(f"{BASE}/limits", headers={"Authorization": "Bearer none"}),
    "salesforce_quote": crm(
        "/query",
        params={
            "q": f"SELECT {QUOTE}, Account.ERP_Customer__c, (SELECT {LINES} FROM QuoteLineItems) "
            "FROM Quote WHERE Name = 'Q-1001'"
        },
        headers={"Sforce-Query-Options": "batchSize=2"},
    ),
    "salesforce_lines_2": crm("/query", params={"q": f"SELECT {LINES} FROM QuoteLineItem LIMIT 3"}),
    "salesforce_written": composite("a", "b"),
    "salesforce_halted": composite("a", "x" * 41),
}


@pytest.mark.parametrize("name", OF_SALESFORCE)
def test_salesforce_answers_as_on_the_tape(fresh_sandbox: RunningSandbox, name: str) -> None:
    with httpx.Client(base_url=fresh_sandbox.urls["salesforce"]) as client:
        token = client.post("/services/oauth2/token", data=FORM).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        live = OF_SALESFORCE[name](client).json()
    assert list(misfits(json.loads(tape(name)), live)) == []


def test_the_scheduler_answers_as_on_the_tapes(fresh_sandbox: RunningSandbox) -> None:
    lines = [
        {"lineId": "3", "material": "FG126", "quantity": "40", "unit": "C62", "dueDate": "2030-01-01"},
        {"lineId": "4", "material": "TG11", "quantity": "5", "unit": "C62", "dueDate": "2030-01-01"},
    ]
    key = {"X-API-Key": "scheduler-sandbox-key"}
    with httpx.Client(base_url=fresh_sandbox.urls["scheduler"], headers=key) as client:
        scenario = client.post("/v1/scenarios", json={"plant": "1710", "requirements": lines}).json()
        held = client.put("/v1/orders/4711/commitments", json={"scenarioId": scenario["scenarioId"]}).json()
    assert list(misfits(json.loads(tape("scheduler_scenario")), scenario)) == []
    assert list(misfits(json.loads(tape("scheduler_commitments")), held)) == []


def test_a_tape_that_does_not_fit_is_noticed() -> None:
    taped = {"a": "/Date(1)/", "b": {"c": 1}, "d": [{"e": "x"}], "YY1_x": 1, "f": None}
    live = {"a": "/Date(1+0000)/", "b": {}, "d": [], "f": "anything"}
    assert list(misfits(taped, live)) == [
        r"/a: /Date\(\d+\)/ on the tape, /Date\(\d+\+0000\)/ here",
        "/b/c is missing",
        "/d is empty",
    ]
