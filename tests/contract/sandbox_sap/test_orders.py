"""API_SALES_ORDER_SRV: creating and reading orders."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import httpx
import pytest

from system_apis.sandbox.world import World
from tests.contract.sandbox_sap.conftest import (
    ORDERS,
    TODAY,
    after,
    create,
    day_of,
    item,
    order,
    pieces,
    read,
    text_of,
)


def test_a_deep_insert_answers_the_whole_order_with_its_address_and_version(writer: httpx.Client) -> None:
    sent = order(
        item("TG11", "40"), item("TG12", "100"), PurchaseOrderByShipToParty="op_1", PurchaseOrderByCustomer="PO 7"
    )
    answer = writer.post(f"{ORDERS}/A_SalesOrder", json=sent)
    assert answer.status_code == 201
    made = answer.json()["d"]
    assert re.fullmatch(r"\d{10}", made["SalesOrder"])
    assert answer.headers["location"].endswith(f"{ORDERS}/A_SalesOrder('{made['SalesOrder']}')")
    assert made["__metadata"]["type"] == "API_SALES_ORDER_SRV.A_SalesOrderType"
    assert made["__metadata"]["etag"] == answer.headers["etag"]
    stamp = r"\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\d\.\d{7}Z"
    assert re.fullmatch(rf"W/\"datetimeoffset'{stamp}'\"", answer.headers["etag"])
    assert [line["SalesOrderItem"] for line in made["to_Item"]["results"]] == ["10", "20"]
    assert "__deferred" in made["to_Partner"]
    assert made["PurchaseOrderByShipToParty"] == "op_1"
    assert made["to_Item"]["results"][0]["PurchaseOrderByCustomer"] == "PO 7"


def test_decimals_are_strings_and_days_are_escaped_milliseconds(writer: httpx.Client) -> None:
    number = create(writer, item("TG11", "40"), item("TG16", "2.5"))["SalesOrder"]
    answer = writer.get(f"{ORDERS}/A_SalesOrder('{number}')", params={"$expand": "to_Item"})
    assert rb'"RequestedDeliveryDate":"\/Date(' in answer.content
    made = answer.json()["d"]
    first, second = made["to_Item"]["results"]
    # List price 17.50 and 6.75 less 3 %, tax 8 %; quantities with the decimals of their unit.
    assert (first["RequestedQuantity"], first["NetAmount"], first["TaxAmount"]) == ("40", "679.00", "54.32")
    assert (second["RequestedQuantity"], second["NetAmount"]) == ("2.500", "16.37")
    assert made["TotalNetAmount"] == "695.37"
    assert day_of(made["RequestedDeliveryDate"]) == after(5)
    assert day_of(made["CreationDate"]) == TODAY
    assert re.fullmatch(r"/Date\(\d+\+0000\)/", made["LastChangeDateTime"])
    assert (made["CustomerPurchaseOrderDate"], made["DeliveryBlockReason"]) == (None, "")


def test_what_stock_does_not_cover_is_confirmed_at_the_next_receipt(writer: httpx.Client) -> None:
    made = read(writer, create(writer, item("TG12", "100"), item("FG126", "50"))["SalesOrder"])
    late, short = made["to_Item"]["results"]
    assert pieces(late) == [(Decimal(60), after(5)), (Decimal(40), after(12))]
    assert [line["ScheduleLineOrderQuantity"] for line in late["to_ScheduleLine"]["results"]] == ["100", "0"]
    assert pieces(short) == [(Decimal(10), after(5))]
    assert (late["ConfdDelivQtyInOrderQtyUnit"], short["ConfdDelivQtyInOrderQtyUnit"]) == ("100", "10")


def test_an_order_takes_what_it_was_confirmed_from_the_next_one(writer: httpx.Client) -> None:
    create(writer, item("TG12", "100"))
    second = read(writer, create(writer, item("TG12", "200"))["SalesOrder"])
    assert pieces(second["to_Item"]["results"][0]) == [(Decimal(0), None), (Decimal(160), after(12))]


def test_a_later_promise_is_not_undercut_by_an_earlier_wish(writer: httpx.Client) -> None:
    create(writer, item("TG12", "250"), requested=after(12))
    soon = read(writer, create(writer, item("TG12", "30"), requested=after(2))["SalesOrder"])
    assert pieces(soon["to_Item"]["results"][0]) == [(Decimal(10), after(2))]


def test_two_lines_of_one_material_share_its_stock(writer: httpx.Client) -> None:
    made = read(writer, create(writer, item("FG126", "7"), item("FG126", "7"))["SalesOrder"])
    assert [pieces(line) for line in made["to_Item"]["results"]] == [[(Decimal(7), after(5))], [(Decimal(3), after(5))]]


def test_what_nobody_has_is_confirmed_nothing_without_a_day(writer: httpx.Client) -> None:
    made = read(writer, create(writer, item("TG20", "1"))["SalesOrder"])
    assert pieces(made["to_Item"]["results"][0]) == [(Decimal(0), None)]


def test_units_come_in_three_spellings_and_cartons_hold_twelve(writer: httpx.Client, world: World) -> None:
    world.stock["TG17", "1710"] = Decimal(100)
    made = read(writer, create(writer, item("TG17", "9", RequestedQuantityISOUnit="CT"))["SalesOrder"])
    carton = made["to_Item"]["results"][0]
    units = tuple(carton[f"RequestedQuantity{spelling}Unit"] for spelling in ("", "SAP", "ISO"))
    assert units == ("CAR", "KAR", "CT")
    assert pieces(carton) == [(Decimal(8), after(5))]
    piece = read(writer, create(writer, item("TG11", "1"))["SalesOrder"])["to_Item"]["results"][0]
    assert (piece["RequestedQuantityUnit"], piece["RequestedQuantityISOUnit"]) == ("PC", "PCE")


def test_partners_default_to_the_sold_to_and_can_be_sent(writer: httpx.Client) -> None:
    ship_to = [{"PartnerFunction": "SH", "Customer": "17100004"}]
    number = create(writer, item("TG11", "1"), to_Partner=ship_to)["SalesOrder"]
    found = writer.get(f"{ORDERS}/A_SalesOrder('{number}')/to_Partner").json()["d"]["results"]
    assert {p["PartnerFunction"]: p["Customer"] for p in found} == {
        "SP": "17100001",
        "SH": "17100004",
        "BP": "17100001",
        "PY": "17100001",
    }


def test_an_exhausted_credit_limit_blocks(writer: httpx.Client, world: World) -> None:
    assert read(writer, create(writer, item("TG11", "1"))["SalesOrder"])["TotalCreditCheckStatus"] == "A"
    held = create(writer, item("TG11", "1"), customer="17100003")
    assert held["TotalCreditCheckStatus"] == "B"
    first = create(writer, item("TG21", "100"), customer="17100004", requested=after(0))
    assert first["TotalCreditCheckStatus"] == "A"
    room = world.customers["17100004"].credit_limit - world.customers["17100004"].exposure
    too_much = str(int(room / Decimal("210.00")) + 1)
    assert create(writer, item("TG20", too_much), customer="17100004")["TotalCreditCheckStatus"] == "A"
    assert create(writer, item("TG20", too_much), customer="17100004")["TotalCreditCheckStatus"] == "B"


def test_the_same_order_twice_is_two_orders(writer: httpx.Client) -> None:
    one = create(writer, item("TG11", "1"), PurchaseOrderByShipToParty="op_9")
    two = create(writer, item("TG11", "1"), PurchaseOrderByShipToParty="op_9")
    assert one["SalesOrder"] != two["SalesOrder"]


def test_orders_are_found_by_reference_and_sold_to(writer: httpx.Client) -> None:
    wanted = create(writer, item("TG11", "1"), PurchaseOrderByShipToParty="op_'7")["SalesOrder"]
    create(writer, item("TG11", "1"), PurchaseOrderByShipToParty="op_'7", customer="17100002")
    create(writer, item("TG11", "1"), PurchaseOrderByShipToParty="op_8")
    asked = {
        "$filter": "PurchaseOrderByShipToParty eq 'op_''7' and SoldToParty eq '0017100001'",
        "$select": "SalesOrder,to_Item/Material",
        "$expand": "to_Item",
        "$inlinecount": "allpages",
        "$top": "5",
    }
    found = writer.get(f"{ORDERS}/A_SalesOrder", params=asked).json()["d"]
    assert found["__count"] == "1"
    (only,) = found["results"]
    assert set(only) == {"__metadata", "SalesOrder", "to_Item"}
    assert only["SalesOrder"] == wanted
    assert set(only["to_Item"]["results"][0]) == {"__metadata", "Material"}


def test_paging_counts_everything_but_shows_a_page(writer: httpx.Client) -> None:
    made = [create(writer, item("TG11", "1"))["SalesOrder"] for _ in range(3)]
    ours = "CreatedByUser eq 'SANDBOX'"
    asked = {"$filter": ours, "$skip": "1", "$top": "1", "$inlinecount": "allpages", "$select": "SalesOrder"}
    found = writer.get(f"{ORDERS}/A_SalesOrder", params=asked).json()["d"]
    assert (found["__count"], [row["SalesOrder"] for row in found["results"]]) == ("3", [made[1]])
    assert writer.get(f"{ORDERS}/A_SalesOrder/$count", params={"$filter": ours}).text == "3"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"$filter": "SoldToParty = '1'"}, "Invalid expression"),
        ({"$filter": "SoldToParty eq '1' or"}, "Invalid expression"),
        ({"$filter": "SoldToParty eq '1' xor SoldToParty eq '2'"}, "Invalid expression"),
        ({"$filter": "(SoldToParty eq '1'"}, "Invalid expression"),
        ({"$filter": "SoldToParty eq 1"}, "Invalid literal"),
        ({"$filter": "RequestedDeliveryDate eq datetime'tomorrow'"}, "Invalid literal"),
        ({"$filter": "Colour eq 'red'"}, "cannot be used in a filter"),
        ({"$select": "Colour"}, "Colour"),
        ({"$expand": "to_Colour"}, "to_Colour"),
        ({"$top": "-1"}, "$top"),
        ({"$orderby": "SalesOrder"}, "$orderby"),
    ],
)
def test_a_query_that_is_not_understood_is_refused(reader: httpx.Client, query: dict[str, str], says: str) -> None:
    answer = reader.get(f"{ORDERS}/A_SalesOrder", params=query)
    assert answer.status_code in (400, 501)
    assert says in text_of(answer)


def test_days_can_be_compared_in_a_filter(writer: httpx.Client) -> None:
    create(writer, item("TG11", "1"), requested=after(1))
    later = create(writer, item("TG11", "1"), requested=after(8))["SalesOrder"]
    asked = {"$filter": f"(RequestedDeliveryDate ge datetime'{after(4)}T00:00:00')"}
    rows = writer.get(f"{ORDERS}/A_SalesOrder", params=asked).json()["d"]["results"]
    assert [row["SalesOrder"] for row in rows] == [later]


@pytest.mark.parametrize(
    "path",
    ["A_SalesOrder('1')", "A_SalesOrderItem(SalesOrder='1',SalesOrderItem='10')", "A_Nothing", "(x)", "$count"],
)
def test_a_path_that_leads_nowhere_is_404(reader: httpx.Client, path: str) -> None:
    assert reader.get(f"{ORDERS}/{path}").status_code == 404


def test_items_and_schedule_lines_have_addresses_of_their_own(writer: httpx.Client) -> None:
    number = create(writer, item("TG11", "1"))["SalesOrder"]
    address = f"{ORDERS}/A_SalesOrderItem(SalesOrder='{number}',SalesOrderItem='000010')"
    found = writer.get(address).json()["d"]
    assert found["SalesOrderItem"] == "10"
    assert "etag" not in found["__metadata"]
    line = f"{ORDERS}/A_SalesOrderScheduleLine(SalesOrder='{number}',SalesOrderItem='10',ScheduleLine='1')"
    assert writer.get(line).json()["d"]["ScheduleLine"] == "1"
    assert writer.get(f"{address}/to_SalesOrder").json()["d"]["SalesOrder"] == number
    assert writer.get(f"{ORDERS}/A_SalesOrderItem('{number}')").status_code == 400


def refusal(writer: httpx.Client, body: Any, **headers: str) -> httpx.Response:
    before = writer.get(f"{ORDERS}/A_SalesOrder/$count").text
    answer = writer.post(f"{ORDERS}/A_SalesOrder", json=body, headers=headers)
    assert writer.get(f"{ORDERS}/A_SalesOrder/$count").text == before, "a refused order leaves nothing behind"
    return answer


def test_discontinued_materials_are_refused_each_with_its_item(writer: httpx.Client) -> None:
    answer = refusal(writer, order(item("TG11", "1"), item("TG14", "1"), item("TG99", "1")))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["message"]["lang"]) == ("V1/028", "en")
    details = error["innererror"]["errordetails"]
    assert details[0]["message"] == "Item 000020: Material TG14 has status: Discontinued"
    assert details[1]["message"].startswith("Item 000030: Material TG99 is not defined")
    assert {detail["severity"] for detail in details} == {"error"}
    assert details[-1]["code"] == "/IWBEP/CX_MGW_BUSI_EXCEPTION"


@pytest.mark.parametrize(
    "field", [{"TotalNetAmount": "1.00"}, {"ExternalDocumentID": "x"}, {"TotalCreditCheckStatus": "A"}]
)
def test_fields_that_the_metadata_marks_as_not_creatable_are_refused(
    writer: httpx.Client, field: dict[str, Any]
) -> None:
    answer = refusal(writer, order(item("TG11", "1"), **field))
    assert answer.status_code == 400
    assert next(iter(field)) in text_of(answer)


def test_schedule_lines_are_no_part_of_a_deep_insert(writer: httpx.Client) -> None:
    lines = [{"RequestedDeliveryDate": "/Date(1900000000000)/"}]
    answer = refusal(writer, order(item("TG11", "1", to_ScheduleLine=lines)))
    assert answer.status_code == 400
    assert "to_ScheduleLine" in text_of(answer)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (order(item("TG11", "1"), Colour="red"), "Colour"),
        (order(item("TG11", "1", NetAmount="1")), "NetAmount"),
        (order({"Material": "TG11", "RequestedQuantity": 1}), "RequestedQuantity"),
        (order(item("TG11", "1e3")), "RequestedQuantity"),
        (order(item("TG11", "NaN")), "RequestedQuantity"),
        (order(item("TG11", "9999999999999")), "RequestedQuantity"),
        (order(item("TG11", "1.5")), "Quantity 1.5"),
        (order(item("TG11", "1", RequestedQuantityUnit="ST")), "Unit ST"),
        (order(item("TG11", "1", RequestedQuantityUnit="KG")), "Sales unit KG"),
        (order(item("TG11", "1", RequestedQuantityUnit="PC", RequestedQuantitySAPUnit="KG")), "contradict"),
        (order(item("TG11", "1", ProductionPlant="9999")), "plant 9999"),
        (order(item("TG11", "1", SalesOrderItem="10"), item("TG11", "1", SalesOrderItem="000010")), "already used"),
        (order(item("TG11", "1", SalesOrderItem="abc")), "SalesOrderItem"),
        (order(item("TG11", "1"), PurchaseOrderByShipToParty="x" * 36), "PurchaseOrderByShipToParty"),
        (order(item("TG11", "1")) | {"RequestedDeliveryDate": "tomorrow"}, "RequestedDeliveryDate"),
        (order(item("TG11", "1")) | {"SalesOrganization": "9999"}, "Sales area"),
        (order(item("TG11", "1"), customer="4711"), "Sold-to party 4711"),
        (order(item("TG11", "1")) | {"SalesOrderType": "XX"}, "XX"),
        (order(item("TG11", "1"), SalesOrder="4711"), "external number"),
        (order(item("TG11", "1"), TransactionCurrency="EUR"), "EUR"),
        (order(item("TG11", "1"), to_Partner=[{"PartnerFunction": "WE", "Customer": "17100001"}]), "WE"),
        ([], "request body"),
    ],
)
def test_what_the_erp_cannot_take_is_a_400_that_names_it(writer: httpx.Client, body: Any, says: str) -> None:
    answer = refusal(writer, body)
    assert answer.status_code == 400
    assert says in text_of(answer)


def test_a_body_that_is_no_json_is_refused(writer: httpx.Client) -> None:
    def sent(content: bytes, kind: str) -> int:
        return writer.post(f"{ORDERS}/A_SalesOrder", content=content, headers={"Content-Type": kind}).status_code

    assert sent(b"{", "application/json") == 400
    assert sent(b'{"SalesOrderType":"\xff"}', "application/json") == 400
    assert sent(b"<entry/>", "application/atom+xml") == 415


def test_without_asking_for_json_answers_and_errors_are_xml(writer: httpx.Client) -> None:
    number = create(writer, item("TG11", "1"))["SalesOrder"]
    anything = {"Accept": "*/*"}
    entry = writer.get(f"{ORDERS}/A_SalesOrder('{number}')", headers=anything)
    assert entry.headers["content-type"].startswith("application/atom+xml")
    assert f"<d:SalesOrder>{number}</d:SalesOrder>" in entry.text
    missing = writer.get(f"{ORDERS}/A_SalesOrder('1')", headers=anything)
    assert missing.headers["content-type"] == "application/xml"
    assert "<message" in missing.text
    by_format = writer.get(f"{ORDERS}/A_SalesOrder('{number}')", params={"$format": "json"}, headers=anything)
    assert by_format.json()["d"]["SalesOrder"] == number


def test_the_metadata_says_what_may_be_created(reader: httpx.Client) -> None:
    answer = reader.get(f"{ORDERS}/$metadata")
    assert answer.headers["content-type"] == "application/xml"
    total = next(line for line in answer.text.splitlines() if 'Name="TotalNetAmount"' in line)
    reference = next(line for line in answer.text.splitlines() if 'Name="PurchaseOrderByShipToParty"' in line)
    assert 'sap:creatable="false"' in total
    assert "creatable" not in reference


def test_the_world_starts_anew_on_reset(writer: httpx.Client, world: World) -> None:
    first = create(writer, item("TG11", "500"))
    world.reset()
    assert read(writer, create(writer, item("TG11", "500"))["SalesOrder"])["SalesOrder"] == first["SalesOrder"]
