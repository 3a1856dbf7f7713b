"""The organisation: what our package deploys is there, described as it is, and unique where it must be."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

import system_apis
from tests.contract.sandbox_crm.conftest import error
from tests.sandbox import RunningSandbox

PACKAGE = Path(system_apis.__file__).parent / "salesforce" / "org" / "force-app" / "main" / "default" / "objects"
TYPES = {
    "Text": "string", "Date": "date", "DateTime": "datetime", "Checkbox": "boolean", "Number": "double",
    "Lookup": "reference",
}  # fmt: skip
EXCEPTION = "/sobjects/Ordergate_Exception__c/Exception_Id__c"
ORDER = "/sobjects/Order/ERP_Order_Number__c"


def described(crm: httpx.Client, name: str) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in crm.get(f"/sobjects/{name}/describe").json()["fields"]}


def declared(file: Path) -> tuple[str, int | None, bool, bool]:
    """Type, length, external id and uniqueness of a field in metadata format."""
    told = {element.tag.rpartition("}")[2]: element.text or "" for element in ElementTree.parse(file).getroot()}
    length = int(told["length"]) if told["type"] == "Text" else None
    return TYPES[told["type"]], length, told["externalId"] == "true", told.get("unique") == "true"


def test_every_field_of_our_package_is_there_as_it_was_deployed(crm: httpx.Client) -> None:
    files = sorted(PACKAGE.glob("*/fields/*.field-meta.xml"))
    assert len(files) > 30
    for name in {file.parts[-3] for file in files}:
        fields = described(crm, name)
        for file in (file for file in files if file.parts[-3] == name):
            found = fields[file.name.removesuffix(".field-meta.xml")]
            length = found["length"] if found["type"] == "string" else None
            assert (found["type"], length, found["externalId"], found["unique"]) == declared(file), file.name
            assert found["createable"]
            assert found["updateable"]


def test_an_exception_is_written_once_however_often_it_is_sent(
    crm: httpx.Client, fresh_sandbox: RunningSandbox
) -> None:
    quote = fresh_sandbox.quote_id("Q-1001")
    values = {"Quote__c": quote, "Code__c": "credit-hold", "Opened_At__c": "2026-11-20T17:00:00Z", "Blocking__c": True}
    answers = [crm.patch(f"{EXCEPTION}/exc_1", json=values) for _ in range(2)]
    assert [(one.status_code, one.json()["created"]) for one in answers] == [(201, True), (200, False)]
    soql = "SELECT Name, Opened_At__c, Retryable__c, Quote__r.Name FROM Ordergate_Exception__c"
    (found,) = crm.get("/query", params={"q": soql}).json()["records"]
    assert (found["Name"], found["Quote__r"]["Name"]) == ("EXC-000001", "Q-1001")
    assert (found["Opened_At__c"], found["Retryable__c"]) == ("2026-11-20T17:00:00.000+0000", False)
    soql = f"SELECT (SELECT Code__c FROM Ordergate_Exceptions__r) FROM Quote WHERE Id = '{quote}'"
    (found,) = crm.get("/query", params={"q": soql}).json()["records"]
    assert [one["Code__c"] for one in found["Ordergate_Exceptions__r"]["records"]] == ["credit-hold"]


def test_a_second_row_with_a_unique_value_is_a_duplicate_that_names_the_first(crm: httpx.Client) -> None:
    first = crm.post("/sobjects/Ordergate_Exception__c", json={"Exception_Id__c": "exc_2"}).json()["id"]
    refused = crm.post("/sobjects/Ordergate_Exception__c", json={"Exception_Id__c": "exc_2"})
    assert error(refused) == (400, "DUPLICATE_VALUE")
    told = f"duplicate value found: Exception_Id__c duplicates value on record with id: {first}"
    assert refused.json()[0]["message"] == told
    other = crm.post("/sobjects/Ordergate_Exception__c", json={"Exception_Id__c": "exc_3"}).json()["id"]
    moved = crm.patch(f"/sobjects/Ordergate_Exception__c/{other}", json={"Exception_Id__c": "exc_2"})
    assert error(moved) == (400, "DUPLICATE_VALUE")
    same = crm.patch(f"/sobjects/Ordergate_Exception__c/{first}", json={"Exception_Id__c": "exc_2"})
    assert same.status_code == 204


def test_a_collection_is_upserted_by_its_external_id(crm: httpx.Client) -> None:
    url = "/composite/sobjects/Ordergate_Exception__c/Exception_Id__c"

    def sent(*names: str) -> Any:
        kind = {"attributes": {"type": "Ordergate_Exception__c"}}
        return crm.patch(url, json={"records": [kind | {"Exception_Id__c": name} for name in names]}).json()

    assert [one["created"] for one in sent("exc_5", "exc_6")] == [True, True]
    again = sent("exc_6", "exc_7")
    assert [(one["success"], one["created"]) for one in again] == [(True, False), (True, True)]


# Orders


@pytest.fixture
def draft(crm: httpx.Client, fresh_sandbox: RunningSandbox) -> dict[str, Any]:
    """An order made of Q-1010, without items."""
    soql = f"SELECT AccountId, Pricebook2Id FROM Quote WHERE Id = '{fresh_sandbox.quote_id('Q-1010')}'"
    (quote,) = crm.get("/query", params={"q": soql}).json()["records"]
    head = {name: quote[name] for name in ("AccountId", "Pricebook2Id")}
    values = head | {"EffectiveDate": "2027-01-04", "Status": "Draft"}
    return {"id": crm.patch(f"{ORDER}/1000000001", json=values).json()["id"], "values": values}


def test_an_order_is_the_same_one_by_its_erp_number(crm: httpx.Client, draft: dict[str, Any]) -> None:
    again = crm.patch(f"{ORDER}/1000000001", json=draft["values"] | {"PoNumber": "PO-1"})
    assert (again.status_code, again.json()["id"]) == (200, draft["id"])
    refused = crm.post("/sobjects/Order", json=draft["values"] | {"ERP_Order_Number__c": "1000000001"})
    assert error(refused) == (400, "DUPLICATE_VALUE")
    row = crm.get(f"/sobjects/Order/{draft['id']}").json()
    assert (row["StatusCode"], row["PoNumber"], row["OrderNumber"]) == ("Draft", "PO-1", "00000001")


def test_an_order_is_activated_once_it_has_items_and_then_they_stand(crm: httpx.Client, draft: dict[str, Any]) -> None:
    order = f"/sobjects/Order/{draft['id']}"
    assert error(crm.patch(order, json={"Status": "Activated"})) == (400, "FAILED_ACTIVATION")
    entry = crm.get("/query", params={"q": "SELECT Id FROM PricebookEntry LIMIT 1"}).json()["records"][0]["Id"]
    item = {"OrderId": draft["id"], "PricebookEntryId": entry, "Quantity": 5, "UnitPrice": 2.5}
    made = crm.post("/sobjects/OrderItem", json=item)
    assert made.status_code == 201
    assert crm.patch(order, json={"Status": "Order Processing"}).status_code == 204
    assert crm.get(order).json()["StatusCode"] == "Draft", "the status text alone says nothing"
    assert crm.patch(order, json={"Status": "Activated"}).status_code == 204
    row = crm.get(order).json()
    assert (row["StatusCode"], row["TotalAmount"]) == ("Activated", 12.5)
    assert error(crm.post("/sobjects/OrderItem", json=item)) == (400, "ENTITY_IS_LOCKED")
    assert error(crm.delete(f"/sobjects/OrderItem/{made.json()['id']}")) == (400, "ENTITY_IS_LOCKED")


@pytest.mark.parametrize(
    ("status", "code"), [("Activated", "INVALID_STATUS"), ("Lost", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")]
)
def test_an_order_is_born_as_a_draft(crm: httpx.Client, draft: dict[str, Any], status: str, code: str) -> None:
    assert error(crm.post("/sobjects/Order", json=draft["values"] | {"Status": status})) == (400, code)


# Describe


def test_a_describe_tells_what_may_be_done_with_a_field(crm: httpx.Client) -> None:
    fields = described(crm, "Order")
    flags = ("createable", "updateable", "externalId", "idLookup", "unique", "autoNumber")
    assert [fields["ERP_Order_Number__c"][flag] for flag in flags] == [True, True, True, True, True, False]
    assert [fields["OrderNumber"][flag] for flag in flags] == [False, False, False, False, False, True]
    assert fields["EffectiveDate"]["nillable"] is False
    item = described(crm, "OrderItem")
    assert (item["OrderId"]["createable"], item["OrderId"]["updateable"]) == (True, False)
    assert (item["OrderId"]["referenceTo"], item["OrderId"]["relationshipName"]) == (["Order"], "Order")
