"""CE_SALESORDER_0001: creating and changing orders, versions, warnings, refusals."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from system_apis.sandbox.world import World
from tests.contract.sandbox_sap import conftest as v2
from tests.contract.sandbox_sap.conftest import ORDERS, after, entered
from tests.contract.sandbox_sap.v4 import (
    TEXTS,
    V4,
    create,
    header,
    item,
    item_path,
    order,
    pieces,
    read,
    told,
    version,
)

STAR = {"If-Match": "*"}
MINIMAL = {"Prefer": "return=minimal"}


@pytest.fixture
def number(writer: httpx.Client) -> str:
    made: str = create(writer, item("TG11", 40), item("TG12", 100))["SalesOrder"]
    return made


def test_a_deep_insert_answers_the_whole_order_with_its_address_and_version(writer: httpx.Client) -> None:
    sent = order(item("TG11", 40), item("TG16", 2.5), PurchaseOrderByShipToParty="op_1", _Partner=[])
    answer = writer.post(f"{V4}/SalesOrder", json=sent)
    assert answer.status_code == 201
    made = answer.json()
    assert answer.url.join(answer.headers["location"]).path == header(made["SalesOrder"])
    assert made["@odata.etag"] == answer.headers["etag"] == version(writer, made["SalesOrder"])
    assert made["@odata.context"] == "$metadata#SalesOrder/$entity"
    assert [line["SalesOrderItem"] for line in made["_Item"]] == ["10", "20"]
    assert [line["RequestedQuantitySAPUnit"] for line in made["_Item"]] == ["ST", "KG"]
    assert len(made["_Partner"]) == 4
    assert made["PurchaseOrderByShipToParty"] == "op_1"


def test_an_order_made_in_one_version_is_the_same_in_the_other(writer: httpx.Client, world: World) -> None:
    here = create(writer, item("TG11", 40, Plant="1720"), PurchaseOrderByShipToParty="op_4")["SalesOrder"]
    there = v2.create(writer, v2.item("TG12", "100"), PurchaseOrderByShipToParty="op_2")["SalesOrder"]
    assert int(there) == int(here) + 1
    seen = v2.read(writer, here)
    (line,) = seen["to_Item"]["results"]
    assert (seen["PurchaseOrderByShipToParty"], line["Material"], line["ProductionPlant"]) == ("op_4", "TG11", "1720")
    assert line["RequestedQuantityUnit"] == "PC"
    (line,) = read(writer, there)["_Item"]
    assert (line["Product"], line["Plant"], line["RequestedQuantityISOUnit"]) == ("TG12", "1710", "PCE")
    assert pieces(line) == [(60, after(5).isoformat()), (40, after(12).isoformat())]
    assert line["ConfirmedDeliveryDate"] == after(12).isoformat()
    assert [made.number for made in entered(world)] == [here, there]


def test_what_one_version_takes_the_other_does_not_find(writer: httpx.Client) -> None:
    create(writer, item("FG126", 8))
    late = v2.create(writer, v2.item("FG126", "5"))["SalesOrder"]
    assert v2.pieces(v2.read(writer, late)["to_Item"]["results"][0]) == [(Decimal(2), after(5))]


def test_an_item_has_a_day_of_its_own(writer: httpx.Client) -> None:
    made = create(writer, item("TG12", 100, RequestedDeliveryDate=after(20).isoformat()), item("TG11", 1))
    first, second = read(writer, made["SalesOrder"])["_Item"]
    assert pieces(first) == [(100, after(20).isoformat())]
    assert second["RequestedDeliveryDate"] == after(5).isoformat()


def test_decimals_come_as_texts_where_the_body_says_so(writer: httpx.Client) -> None:
    compatible = {"Content-Type": "application/json;IEEE754Compatible=true"}

    def status(quantity: Any, headers: dict[str, str]) -> int:
        body = json.dumps(order(item("TG11", quantity)))
        kind = {"Content-Type": "application/json"} | headers
        return writer.post(f"{V4}/SalesOrder", content=body, headers=kind).status_code

    assert [status("40", compatible), status(40, {})] == [201, 201]
    assert [status(40, compatible), status("40", {})] == [400, 400]


def test_a_value_of_the_wrong_type_is_told_as_saps_parser_does(writer: httpx.Client) -> None:
    answer = writer.post(f"{V4}/SalesOrder", json=order({"Product": "TG11", "RequestedQuantity": "1.000"}))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "CX_SXML_PARSE_ERROR")
    assert error["@SAP__common.ExceptionCategory"] == "Client_Error"
    offset = answer.request.content.find(b'"RequestedQuantity"')
    assert f"Property 'RequestedQuantity' at offset '{offset}' has invalid value '1.000'" in told(answer)
    assert {d["@SAP__common.Severity"] for d in error["details"]} == {"error"}
    circumstances = error["innererror"]["ErrorDetails"]
    assert circumstances["@SAP__common.Application"]["ServiceRepository"] == "SRVD_A2X"
    assert circumstances["@SAP__common.TransactionId"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (order(item("TG14", 3)), "Item 000010: Material TG14 has status: Discontinued"),
        (order(item("TG11", 1, Material="TG11")), "Property 'Material' is invalid"),
        (order(item("TG11", 1, RequestedQuantityUnit="PC")), "Property 'RequestedQuantityUnit' is invalid"),
        (order(item("TG11", 1, NetAmount=1)), "'NetAmount' of 'SalesOrderItem' is read only"),
        (order(item("TG11", 1, ReferenceSDDocument="1")), "'ReferenceSDDocument' of 'SalesOrderItem' is read only"),
        (order(item("TG11", 1, _ScheduleLine=[])), "Deep insert of '_ScheduleLine'"),
        (order(item("TG11", 1), _Item={}), "no array"),
        (order(item("TG11", True)), "RequestedQuantity"),
        (order(item("TG11", 1e300)), "RequestedQuantity"),
        (order(item("TG11", 1, Plant=None)), "'Plant' must not be null"),
        (order(item("TG11", 1, Plant=1710)), "Plant"),
        (order(item("TG11", 1)) | {"RequestedDeliveryDate": "2030-3-9"}, "RequestedDeliveryDate"),
        (order(item("TG11", 1)) | {"RequestedDeliveryDate": "/Date(1900000000000)/"}, "RequestedDeliveryDate"),
        (order(item("TG11", 1), PurchaseOrderByShipToParty="x" * 36), "PurchaseOrderByShipToParty"),
        (order(item("TG11", 1), customer="4711"), "Sold-to party 4711"),
        (order(item("TG11", 1), SalesOrder="4711"), "external number"),
        ([], "is no object"),
    ],
)
def test_what_the_erp_cannot_take_is_a_400_that_names_it(writer: httpx.Client, body: Any, says: str) -> None:
    answer = writer.post(f"{V4}/SalesOrder", json=body)
    assert answer.status_code == 400
    assert says in " ".join(told(answer))


def test_every_item_that_is_wrong_is_told(writer: httpx.Client, world: World) -> None:
    answer = writer.post(f"{V4}/SalesOrder", json=order(item("TG14", 3), item("TG11", 1), item("NONE", 1)))
    assert [text[:11] for text in told(answer)] == ["Item 000010", "Item 000030"]
    assert entered(world) == []


def test_a_body_that_is_no_json_is_refused(writer: httpx.Client) -> None:
    def sent(content: bytes, kind: str) -> int:
        return writer.post(f"{V4}/SalesOrder", content=content, headers={"Content-Type": kind}).status_code

    assert sent(b"{", "application/json") == 400
    assert sent(b'{"SalesOrderType":"\xff"}', "application/json") == 400
    assert sent(b'{"a":1e99999999999999999999}', "application/json") == 400
    assert sent(b"<entry/>", "application/atom+xml") == 415


def test_annotations_and_messages_in_a_body_are_passed_over(writer: httpx.Client) -> None:
    made = create(writer, item("TG11", 1, SAP__Messages=[]), **{"@odata.type": "#x", "_Item@odata.count": 1})
    assert len(made["_Item"]) == 1


def test_a_change_must_know_the_version_of_the_order(writer: httpx.Client, number: str) -> None:
    seen = version(writer, number)
    answer = writer.patch(header(number), json={"DeliveryBlockReason": "01"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (428, "/IWBEP/CM_V4_RUNTIME/020")
    assert told(answer) == ["Data service request is required to be conditional; try using If-Match"]
    answer = writer.patch(header(number), json={"DeliveryBlockReason": "01"}, headers={"If-Match": seen})
    assert (answer.status_code, answer.json()["DeliveryBlockReason"]) == (200, "01")
    assert answer.headers["etag"] == answer.json()["@odata.etag"] == version(writer, number) != seen
    answer = writer.patch(header(number), json={"DeliveryBlockReason": ""}, headers={"If-Match": seen})
    assert (answer.status_code, answer.json()["error"]["code"]) == (412, "/IWBEP/CM_V4_RUNTIME/021")
    assert "already changed" in told(answer)[0]
    assert read(writer, number)["DeliveryBlockReason"] == "01"


def test_a_change_may_be_answered_without_a_body(writer: httpx.Client, number: str) -> None:
    answer = writer.patch(header(number), json={"DeliveryBlockReason": "01"}, headers=STAR | MINIMAL)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["etag"] == version(writer, number)


def test_a_change_answers_what_was_selected(writer: httpx.Client, number: str) -> None:
    asked = {"$select": "DeliveryBlockReason"}
    answer = writer.patch(header(number), json={"DeliveryBlockReason": "01"}, headers=STAR, params=asked).json()
    assert {name for name in answer if "@" not in name} == {"SalesOrder", "DeliveryBlockReason"}


def test_an_item_is_changed_under_the_version_of_its_order(writer: httpx.Client, number: str) -> None:
    path, body = f"{V4}/{item_path(number)}", {"RequestedQuantity": 60}
    assert writer.patch(path, json=body).status_code == 428
    seen = version(writer, number)
    answer = writer.patch(path, json=body, headers={"If-Match": seen} | TEXTS)
    assert (answer.status_code, answer.json()["RequestedQuantity"], answer.json()["NetAmount"]) == (
        200,
        "60",
        "1018.50",
    )
    assert writer.patch(path, json=body, headers={"If-Match": seen}).status_code == 412
    assert version(writer, number) != seen
    line = v2.read(writer, number)["to_Item"]["results"][0]
    assert (line["RequestedQuantity"], v2.pieces(line)) == ("60", [(Decimal(60), after(5))])


def test_an_item_takes_a_new_day_and_keeps_it(writer: httpx.Client, number: str) -> None:
    path = f"{header(number)}/_Item(SalesOrder='{number}',SalesOrderItem='20')"
    body = {"RequestedDeliveryDate": after(20).isoformat()}
    answer = writer.patch(path, json=body, headers=STAR)
    assert (answer.status_code, answer.json()["RequestedDeliveryDate"]) == (200, after(20).isoformat())
    later = {"RequestedDeliveryDate": after(30).isoformat()}
    assert writer.patch(header(number), json=later, headers=STAR).status_code == 200
    first, second = read(writer, number)["_Item"]
    assert [pieces(first), pieces(second)] == [[(40, after(30).isoformat())], [(100, after(20).isoformat())]]


def test_an_item_is_rejected_and_reopened(writer: httpx.Client) -> None:
    held = create(writer, item("FG126", 10), item("TG11", 1))["SalesOrder"]
    path = f"{V4}/{item_path(held)}"
    rejected = writer.patch(path, json={"SalesDocumentRjcnReason": "10"}, headers=STAR).json()
    assert (rejected["SDDocumentRejectionStatus"], rejected["ConfirmedDeliveryDate"]) == ("C", None)
    assert read(writer, held)["OverallSDDocumentRejectionSts"] == "B"
    assert pieces(read(writer, create(writer, item("FG126", 6))["SalesOrder"])["_Item"][0])[0][0] == 6
    reopened = writer.patch(path, json={"SalesDocumentRjcnReason": ""}, headers=STAR).json()
    assert (reopened["SDDocumentRejectionStatus"], reopened["ConfdDelivQtyInOrderQtyUnit"]) == ("A", 4)


def test_an_item_is_added_through_its_order_and_not_by_itself(writer: httpx.Client, number: str) -> None:
    answer = writer.post(f"{header(number)}/_Item", json=item("TG10", 3))
    assert (answer.status_code, answer.json()["SalesOrderItem"]) == (201, "30")
    assert answer.url.join(answer.headers["location"]).path == f"{V4}/{item_path(number, '30')}"
    assert writer.get(answer.url.join(answer.headers["location"])).json()["Product"] == "TG10"
    assert writer.post(f"{V4}/SalesOrderItem", json=item("TG10", 3)).status_code == 405


def test_an_item_is_deleted_unless_something_follows_it(writer: httpx.Client, number: str) -> None:
    path = f"{V4}/{item_path(number, '20')}"
    assert writer.delete(path).status_code == 428
    assert writer.delete(path, headers={"If-Match": version(writer, number)}).status_code == 204
    assert [line["SalesOrderItem"] for line in read(writer, number)["_Item"]] == ["10"]
    for position in ("10", "30"):
        answer = writer.delete(f"{V4}/{item_path('90000017', position)}", headers=STAR)
        assert (answer.status_code, "subsequent documents" in told(answer)[0]) == (400, True)


def test_a_partner_of_the_order_is_replaced(writer: httpx.Client, number: str) -> None:
    path = f"{header(number)}/_Partner(SalesOrder='{number}',PartnerFunction='SH')"
    answer = writer.patch(path, json={"Customer": "17100011"}, headers=STAR)
    assert (answer.status_code, answer.json()["Customer"]) == (200, "17100011")
    assert writer.patch(path, json={"Customer": "4711"}, headers=STAR).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "SalesOrderScheduleLine(SalesOrder='{0}',SalesOrderItem='10',ScheduleLine='1')"),
        ("DELETE", "SalesOrderScheduleLine(SalesOrder='{0}',SalesOrderItem='10',ScheduleLine='1')"),
        ("POST", "SalesOrderScheduleLine"),
        ("POST", "SalesOrderItem(SalesOrder='{0}',SalesOrderItem='10')/_ScheduleLine"),
        ("POST", "SalesOrderItem(SalesOrder='{0}',SalesOrderItem='10')/_SalesOrder"),
        ("POST", "SalesOrder('{0}')"),
        ("PATCH", "SalesOrder"),
        ("DELETE", "SalesOrder('{0}')"),
        ("PUT", "SalesOrder('{0}')"),
        ("MERGE", "SalesOrder('{0}')"),
    ],
)
def test_what_the_metadata_does_not_allow_is_not_allowed(
    writer: httpx.Client, number: str, method: str, path: str
) -> None:
    before = version(writer, number)
    answer = writer.request(method, f"{V4}/{path.format(number)}", json={}, headers=STAR)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "ZSB/405")
    assert version(writer, number) == before


@pytest.mark.parametrize(
    "body",
    [
        {"TotalNetAmount": 1},
        {"SoldToParty": "17100002"},
        {"SalesOrderType": "OR"},
        {"Colour": "red"},
        {"_Item": []},
        {"CompleteDeliveryIsDefined": "yes"},
    ],
)
def test_header_fields_that_cannot_be_changed_are_refused(
    writer: httpx.Client, number: str, body: dict[str, Any]
) -> None:
    before = version(writer, number)
    assert writer.patch(header(number), json=body, headers=STAR).status_code == 400
    assert version(writer, number) == before


def test_warnings_stand_in_the_body_or_where_there_is_none_in_a_header(writer: httpx.Client) -> None:
    made = create(writer, item("TG12", 500))
    (warning,) = made["SAP__Messages"]
    assert (warning["code"], warning["numericSeverity"], warning["transition"]) == ("ZSB/001", 3, False)
    assert "260 of 500" in warning["message"]
    assert read(writer, made["SalesOrder"])["SAP__Messages"] == []
    path, body = f"{V4}/{item_path(made['SalesOrder'])}", {"RequestedQuantity": 501}
    silent = writer.patch(path, json=body, headers=STAR | MINIMAL)
    assert [each["code"] for each in json.loads(silent.headers["sap-messages"])] == ["ZSB/001"]
    narrow = writer.patch(path, json=body, headers=STAR, params={"$select": "Product"})
    assert "501" in narrow.headers["sap-messages"]
    full = writer.patch(path, json=body, headers=STAR)
    assert ("sap-messages" in full.headers, len(full.json()["SAP__Messages"])) == (False, 1)


def test_the_credit_block_is_told_and_kept(writer: httpx.Client) -> None:
    made = create(writer, item("TG11", 20), customer="17100003")
    assert made["TotalCreditCheckStatus"] == "B"
    assert [each["code"] for each in made["SAP__Messages"]] == ["ZSB/002"]
    assert v2.read(writer, made["SalesOrder"])["TotalCreditCheckStatus"] == "B"


def test_a_change_needs_the_token_of_the_session_that_v2_uses_too(reader: httpx.Client) -> None:
    refused = reader.post(f"{V4}/SalesOrder", json=order(item("TG11", 1)))
    assert (refused.status_code, refused.headers["x-csrf-token"]) == (403, "Required")
    assert refused.text == "CSRF token validation failed"
    fetched = reader.head(f"{V4}/", headers={"X-CSRF-Token": "Fetch"})
    reader.headers["X-CSRF-Token"] = fetched.headers["x-csrf-token"]
    assert create(reader, item("TG11", 1))["SalesOrder"]
    assert reader.post(f"{ORDERS}/A_SalesOrder", json=v2.order(v2.item("TG11", "1"))).status_code == 201


def test_work_asked_for_later_is_done_at_once(writer: httpx.Client) -> None:
    later = {"Prefer": "respond-async"}
    assert writer.post(f"{V4}/SalesOrder", json=order(item("TG11", 1)), headers=later).status_code == 201
