"""The services that are only read: what they hold, how they page, how they join, and that they take no change."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from system_apis.sandbox.sap import engineering, records
from system_apis.sandbox.sap.model import load
from system_apis.sandbox.world import World
from tests.contract.sandbox_sap.conftest import ORDERS, after, create, item, order, read, stamp, text_of

ROOT = "/sap/opu/odata/sap"
PLANTS = f"{ROOT}/API_PRODUCT_SRV/A_ProductPlant"
SOURCES = records.SOURCES | engineering.SOURCES
SETS = [(service, entity) for service, sources in SOURCES.items() for entity in sources]
PARTLY = "90000017"


def rows(reader: httpx.Client, service: str, **query: str) -> list[dict[str, Any]]:
    answer = reader.get(f"{ROOT}/{service}", params={f"${name}": value for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["d"]["results"])


@pytest.mark.parametrize(("service", "entity"), SETS)
def test_every_set_is_in_the_metadata_and_every_row_is_found_by_its_key(
    reader: httpx.Client, service: str, entity: str
) -> None:
    metadata = reader.get(f"{ROOT}/{service}/$metadata").content
    names = {element.get("Name") for element in ElementTree.fromstring(metadata).iter() if "EntitySet" in element.tag}
    assert entity in names
    found = rows(reader, f"{service}/{entity}")
    assert found
    for each in found[:3]:
        assert reader.get(each["__metadata"]["uri"]).json()["d"] == each


@pytest.mark.parametrize(("service", "entity"), SETS)
def test_no_row_has_a_field_that_the_metadata_does_not_know(world: World, service: str, entity: str) -> None:
    known = {name for each in load(service).entities.values() for name in each.properties}
    for row in SOURCES[service][entity](world):
        assert set(row) <= known, "a misspelt field would never be seen"


def test_a_product_brings_its_plants_and_units_along(reader: httpx.Client) -> None:
    expand = {"$expand": "to_Plant/to_ProductSupplyPlanning,to_ProductUnitsOfMeasure,to_Description"}
    found = reader.get(f"{ROOT}/API_PRODUCT_SRV/A_Product('TG17')", params=expand).json()["d"]
    units = found["to_ProductUnitsOfMeasure"]["results"]
    holds = [(u["AlternativeUnit"], u["QuantityNumerator"], u["QuantityDenominator"]) for u in units]
    assert (found["BaseUnit"], holds) == ("PC", [("PC", "1", "1"), ("CAR", "12", "1")])
    assert [plant["Plant"] for plant in found["to_Plant"]["results"]] == ["1710", "1720"]
    assert found["to_Plant"]["results"][0]["to_ProductSupplyPlanning"]["PlannedDeliveryDurationInDays"] == "10"
    assert found["to_Description"]["results"][0]["ProductDescription"] == "Hex screw M8x40"
    assert found["to_SalesDelivery"] == {"__deferred": {"uri": found["__metadata"]["uri"] + "/to_SalesDelivery"}}


def test_a_discontinued_product_says_so(reader: httpx.Client) -> None:
    (gone,) = rows(reader, "API_PRODUCT_SRV/A_Product", filter="CrossPlantStatus ne ''", select="Product")
    assert gone["Product"] == "TG14"


def test_a_partner_leads_to_the_customer_and_its_sales_area(reader: httpx.Client) -> None:
    path = f"{ROOT}/API_BUSINESS_PARTNER/A_BusinessPartner('0017100001')"
    found = reader.get(path, params={"$expand": "to_Customer/to_CustomerSalesArea"}).json()["d"]
    area = found["to_Customer"]["to_CustomerSalesArea"]["results"][0]
    assert (found["BusinessPartnerFullName"], found["to_Customer"]["CustomerName"]) == ("Northwind Tooling",) * 2
    assert (area["SalesOrganization"], area["Currency"], area["OrderIsBlockedForCustomer"]) == ("1710", "USD", "")


def test_stock_is_found_by_its_long_key_and_its_type(reader: httpx.Client) -> None:
    wanted = "Material eq 'TG16' and Plant eq '1710' and InventoryStockType eq '01'"
    (found,) = rows(reader, "API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod", filter=wanted)
    assert (found["MatlWrhsStkQtyInMatlBaseUnit"], found["MaterialBaseUnit"]) == ("1250.500", "KG")
    assert "InventoryStockType='01'" in found["__metadata"]["uri"]
    assert reader.get(found["to_MaterialStock"]["__deferred"]["uri"]).json()["d"]["Material"] == "TG16"


# Documents


def test_an_order_partly_delivered_shows_what_has_left(reader: httpx.Client) -> None:
    found = read(reader, PARTLY)
    items = found["to_Item"]["results"]
    assert [each["DeliveryStatus"] for each in items] == ["B", "C", "A"]
    assert (found["OverallDeliveryStatus"], found["OverallSDProcessStatus"]) == ("B", "B")
    line = items[0]["to_ScheduleLine"]["results"][0]
    assert (line["DeliveredQtyInOrderQtyUnit"], line["OpenConfdDelivQtyInOrdQtyUnit"]) == ("15", "25")
    assert read(reader, "90000018")["OverallDeliveryStatus"] == "C"


@pytest.mark.parametrize("number", [PARTLY, "0090000017"])
def test_the_deliveries_of_an_order_are_found_with_or_without_its_zeros(reader: httpx.Client, number: str) -> None:
    found = rows(reader, "API_OUTBOUND_DELIVERY_SRV/A_OutbDeliveryItem", filter=f"ReferenceSDDocument eq '{number}'")
    shown = [
        (one["ReferenceSDDocumentItem"], one["ActualDeliveryQuantity"], one["GoodsMovementStatus"]) for one in found
    ]
    assert shown == [("000010", "15", "C"), ("000020", "100", "C"), ("000010", "5", "A")]
    assert {one["ReferenceSDDocument"] for one in found} == {"0090000017"}, "this service shows the zeros"
    head = reader.get(f"{ROOT}/API_OUTBOUND_DELIVERY_SRV/A_OutbDeliveryHeader('80000101')")
    assert head.headers["etag"] == "W/\"'0001'\""


def test_a_production_order_names_the_item_it_is_for(reader: httpx.Client) -> None:
    path = "API_PRODUCTION_ORDER_2_SRV/A_ProductionOrder_2"
    (found,) = rows(reader, path, filter=f"SalesOrder eq '{PARTLY}'", expand="to_ProductionOrderStatus")
    assert (found["SalesOrderItem"], found["TotalQuantity"], found["MfgOrderConfirmedYieldQty"]) == ("000030", "5", "2")
    assert found["MfgOrderScheduledEndDate"] == stamp(after(12))
    assert [one["StatusShortName"] for one in found["to_ProductionOrderStatus"]["results"]] == ["REL", "PCNF"]


@pytest.mark.parametrize(
    ("change", "says"), [({"RequestedQuantity": "14"}, "15"), ({"SalesDocumentRjcnReason": "10"}, "15")]
)
def test_what_has_been_delivered_cannot_be_taken_back(writer: httpx.Client, change: dict[str, str], says: str) -> None:
    path = f"{ORDERS}/A_SalesOrderItem(SalesOrder='{PARTLY}',SalesOrderItem='10')"
    answer = writer.patch(path, json=change)
    assert (answer.status_code, f"{says} ST have been delivered" in text_of(answer)) == (400, True)


def test_the_rest_of_a_delivery_can_be_changed_and_the_part_delivered_stays(writer: httpx.Client) -> None:
    path = f"{ORDERS}/A_SalesOrderItem(SalesOrder='{PARTLY}',SalesOrderItem='10')"
    assert writer.patch(path, json={"RequestedQuantity": "20"}).status_code == 204
    lines = read(writer, PARTLY)["to_Item"]["results"][0]["to_ScheduleLine"]["results"]
    assert sum(int(line["ConfdOrderQtyByMatlAvailCheck"]) for line in lines) == 20
    assert sum(int(line["DeliveredQtyInOrderQtyUnit"]) for line in lines) == 15


# Pages


def test_a_long_collection_comes_in_pages_that_lead_to_each_other(reader: httpx.Client) -> None:
    asked = {"$filter": "Plant eq '1710' or Plant eq '1720'", "$select": "Product,Plant", "$inlinecount": "allpages"}
    seen: list[tuple[str, str]] = []
    answer = reader.get(PLANTS, params=asked)
    pages = 0
    while True:
        body = answer.json()["d"]
        seen += [(row["Product"], row["Plant"]) for row in body["results"]]
        assert set(body["results"][0]) == {"__metadata", "Product", "Plant"}, "the next page is of the same question"
        pages += 1
        if "__next" not in body:
            break
        answer = reader.get(body["__next"])
    assert (pages, len(seen), len(set(seen)), body["__count"]) == (2, 36, 36, "36")


def test_a_page_ends_where_top_says_even_if_the_server_could_give_more(reader: httpx.Client) -> None:
    short = reader.get(PLANTS, params={"$top": "20"}).json()["d"]
    assert (len(short["results"]), "__next" in short) == (20, False)
    longer = reader.get(PLANTS, params={"$top": "21"}).json()["d"]
    assert len(longer["results"]) == 20
    rest = reader.get(longer["__next"]).json()["d"]
    assert (len(rest["results"]), "__next" in rest) == (1, False)


def test_a_feed_links_to_its_next_page(reader: httpx.Client) -> None:
    feed = reader.get(PLANTS, headers={"Accept": "application/atom+xml"})
    (link,) = (e for e in ElementTree.fromstring(feed.content) if e.tag.endswith("link"))
    assert "skiptoken=20" in str(link.get("href"))


# Changes and warnings


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_nothing_is_written_to_what_is_only_read(writer: httpx.Client, method: str) -> None:
    path = f"{ROOT}/API_PRODUCT_SRV/A_Product" + ("('TG11')" if method == "PATCH" else "")
    answer = writer.request(method, path, json={"Product": "TG11", "ProductGroup": "X"})
    assert (answer.status_code, "not implemented" in text_of(answer)) == (501, True)


def test_a_success_brings_its_warnings_in_a_header(writer: httpx.Client) -> None:
    made = writer.post(f"{ORDERS}/A_SalesOrder", json=order(item("FG126", "50"), item("TG11", "1")))
    assert made.status_code == 201
    told = httpx.Response(200, text=made.headers["sap-message"]).json()
    assert (told["severity"], told["message"], told["details"]) == ("warning", "Item 000010: 10 of 50 PC confirmed", [])
    held = writer.post(f"{ORDERS}/A_SalesOrder", json=order(item("TG20", "1"), customer="17100003"))
    told = httpx.Response(200, text=held.headers["sap-message"]).json()
    assert "Credit limit" in told["details"][0]["message"]


def test_a_customers_own_field_is_kept_and_found(writer: httpx.Client) -> None:
    create(writer, item("TG11", "1"), YY1_ExternalReference_SDH="op_1")
    found = rows(writer, "API_SALES_ORDER_SRV/A_SalesOrder", filter="YY1_ExternalReference_SDH eq 'op_1'")
    assert len(found) == 1


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (f"SalesOrder eq '{PARTLY}' or SalesOrder eq '90000018'", 2),
        (f"not (SalesOrder eq '{PARTLY}')", 1),
        ("CreatedByUser eq 'SALES01' and (SoldToParty eq '17100005' or SoldToParty eq '17100009')", 1),
        (f"SalesOrder eq '{PARTLY}' or SalesOrder eq '90000018' and SoldToParty eq '0'", 1),
    ],
)
def test_a_filter_may_say_or_and_not(reader: httpx.Client, wanted: str, numbers: int) -> None:
    assert len(rows(reader, "API_SALES_ORDER_SRV/A_SalesOrder", filter=wanted)) == numbers
