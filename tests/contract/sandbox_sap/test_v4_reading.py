"""CE_SALESORDER_0001: addresses, query options and shapes of OData V4."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from xml.etree import ElementTree as Xml

import httpx
import pytest

from system_apis.sandbox.sap.server import ApplicationServer
from tests.contract.sandbox_sap.conftest import after
from tests.contract.sandbox_sap.v4 import TEXTS, V4, create, header, item, told

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


@pytest.fixture
def number(writer: httpx.Client) -> str:
    made: str = create(writer, item("TG11", 40), item("TG16", 2.5), PurchaseOrderByCustomer="O'Neil")["SalesOrder"]
    return made


def numbers(reader: httpx.Client, condition: str) -> list[str]:
    answer = reader.get(f"{V4}/SalesOrder", params={"$filter": condition})
    assert answer.status_code == 200, answer.text
    return [row["SalesOrder"] for row in answer.json()["value"]]


def test_the_service_document_lists_the_entity_sets(reader: httpx.Client) -> None:
    answer = reader.get(f"{V4}/")
    assert answer.headers["odata-version"] == "4.0"
    assert "dataserviceversion" not in answer.headers
    document = answer.json()
    assert document["@odata.context"] == "$metadata"
    sets = {"SalesOrder", "SalesOrderItem", "SalesOrderPartner", "SalesOrderScheduleLine"}
    assert {each["url"] for each in document["value"]} == sets


def test_the_metadata_is_v4_and_says_what_is_computed(reader: httpx.Client) -> None:
    answer = reader.get(f"{V4}/$metadata", headers={"Accept": "*/*"})
    assert (answer.headers["content-type"], answer.headers["odata-version"]) == ("application/xml", "4.0")
    root = Xml.fromstring(answer.content)
    assert root.attrib["Version"] == "4.01"
    notes = {each.attrib["Target"]: each for each in root.iter(f"{EDM}Annotations")}
    computed = notes["SAP__self.SalesOrder_Type/TotalNetAmount"][0].attrib["Term"]
    assert computed == "SAP__core.Computed"
    assert "SAP__self.SalesOrder_Type/PurchaseOrderByShipToParty" not in notes


@pytest.mark.parametrize("path", ["SalesOrder('{}')", "SalesOrder(SalesOrder='{}')", "SalesOrder/{}"])
def test_an_order_is_found_by_its_key_in_every_spelling(reader: httpx.Client, number: str, path: str) -> None:
    answer = reader.get(f"{V4}/{path.format(number)}")
    found = answer.json()
    assert (answer.status_code, found["SalesOrder"]) == (200, number)
    assert found["@odata.etag"] == answer.headers["etag"]
    assert re.fullmatch(r'W/"SADL-\d{21}C~\d{14}\.\d{7}"', answer.headers["etag"])


@pytest.mark.parametrize(
    ("path", "context"),
    [
        ("SalesOrder('{0}')/_Item(SalesOrder='{0}',SalesOrderItem='000010')", "../$metadata"),
        ("SalesOrder/{0}/_Item/{0}/10", "../../../../$metadata"),
        ("SalesOrderItem(SalesOrderItem='10',SalesOrder='{0}')", "$metadata"),
        ("SalesOrderItem/{0}/10", "../../$metadata"),
    ],
)
def test_an_item_is_found_by_both_of_its_keys_and_shows_no_version(
    reader: httpx.Client, number: str, path: str, context: str
) -> None:
    answer = reader.get(f"{V4}/{path.format(number)}")
    found = answer.json()
    assert (answer.status_code, found["Product"], found["RequestedQuantity"]) == (200, "TG11", 40)
    assert found["@odata.context"] == f"{context}#SalesOrderItem/$entity"
    assert "@odata.etag" not in found
    assert "etag" not in answer.headers


@pytest.mark.parametrize("keys", ["'10'", "SalesOrderItem='10'", "SalesOrder='{0}',SalesOrderItem='10',Line='1'", "10"])
def test_a_key_that_is_not_whole_is_refused(reader: httpx.Client, number: str, keys: str) -> None:
    assert reader.get(f"{V4}/SalesOrderItem({keys.format(number)})").status_code == 400


def test_days_are_iso_decimals_are_numbers_and_what_is_unset_is_null_or_blank(
    reader: httpx.Client, number: str
) -> None:
    text = reader.get(header(number), params={"$expand": "_Item"}).text
    assert f'"RequestedDeliveryDate":"{after(5)}"' in text
    assert '"RequestedQuantity":2.500' in text  # a kilogram has three decimals, and they are shown
    found = json.loads(text, parse_float=Decimal)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", found["LastChangeDateTime"])
    assert found["TotalNetAmount"] == Decimal("679.00") + found["_Item"][1]["NetAmount"]
    assert (found["FixedValueDate"], found["SalesOffice"], found["IsEUTriangularDeal"]) == (None, "", False)
    assert found["_Item"][0]["HigherLevelItem"] is None
    assert found["SAP__Messages"] == []


def test_with_ieee754_decimals_and_counts_are_texts(reader: httpx.Client, number: str) -> None:
    answer = reader.get(f"{header(number)}/_Item", params={"$count": "true"}, headers=TEXTS)
    assert answer.headers["content-type"] == "application/json;ieee754compatible=true;odata.metadata=minimal"
    page = answer.json()
    assert page["@odata.count"] == "2"
    assert [row["RequestedQuantity"] for row in page["value"]] == ["40", "2.500"]


def test_expand_nests_with_options_of_its_own(reader: httpx.Client, number: str) -> None:
    inner = "_Item($select=Product;$orderby=SalesOrderItem desc;$expand=_ScheduleLine($select=ConfirmedDeliveryDate))"
    answer = reader.get(header(number), params={"$select": "SoldToParty", "$expand": inner})
    found = answer.json()
    line = "_ScheduleLine(ConfirmedDeliveryDate,SalesOrder,SalesOrderItem,ScheduleLine)"
    inside = f"_Item(Product,SalesOrder,SalesOrderItem,{line})"
    assert found["@odata.context"] == f"$metadata#SalesOrder(SalesOrder,SoldToParty,{inside})/$entity"
    assert set(found) == {
        "@odata.context",
        "@odata.metadataEtag",
        "@odata.etag",
        "SalesOrder",
        "SoldToParty",
        "_Item",
    }
    assert [set(row) for row in found["_Item"]] == [{"SalesOrder", "SalesOrderItem", "Product", "_ScheduleLine"}] * 2
    assert [row["Product"] for row in found["_Item"]] == ["TG16", "TG11"]
    (piece,) = found["_Item"][1]["_ScheduleLine"]
    assert piece == {
        "SalesOrder": number,
        "SalesOrderItem": "10",
        "ScheduleLine": "1",
        "ConfirmedDeliveryDate": after(5).isoformat(),
    }


def test_an_expanded_collection_is_filtered_counted_and_cut(reader: httpx.Client, number: str) -> None:
    inner = "_Item($filter=startswith(Product,'TG');$count=true;$top=1;$skip=1)"
    found = reader.get(header(number), params={"$expand": inner}).json()
    assert (found["_Item@odata.count"], [row["Product"] for row in found["_Item"]]) == (2, ["TG16"])


def test_what_is_not_expanded_is_not_mentioned(reader: httpx.Client, number: str) -> None:
    assert "_Item" not in reader.get(header(number)).json()


def test_navigations_lead_back(reader: httpx.Client, number: str) -> None:
    line = f"{V4}/SalesOrderScheduleLine(SalesOrder='{number}',SalesOrderItem='10',ScheduleLine='0001')"
    assert reader.get(f"{line}/_Item").json()["Product"] == "TG11"
    assert reader.get(f"{line}/_Item/_SalesOrder").json()["SalesOrder"] == number
    assert reader.get(f"{line}/_SalesOrder/_Partner/$count").text == "4"


@pytest.mark.parametrize(
    ("condition", "hit"),
    [
        ("PurchaseOrderByCustomer eq 'O''Neil'", True),
        ("SoldToParty eq '0017100001' and SalesOrderType eq 'OR'", True),
        ("SoldToParty eq '17100002' or (SoldToParty eq '17100001' and SalesOrderType ne 'XX')", True),
        ("SoldToParty eq '17100002'", False),
        ("startswith(PurchaseOrderByCustomer,'O''N')", True),
        ("contains( PurchaseOrderByCustomer , 'Nei' )", True),
        ("endswith(PurchaseOrderByCustomer,'x')", False),
        (f"RequestedDeliveryDate ge {after(5)} and RequestedDeliveryDate le {after(5)}", True),
        (f"RequestedDeliveryDate gt {after(5)}", False),
        ("LastChangeDateTime ge 2026-01-01T00:00:00Z", True),
        ("FixedValueDate eq null", True),
        ("FixedValueDate lt 2030-01-01", False),
        ("CompleteDeliveryIsDefined eq false", True),
        ("TotalNetAmount eq 695.37", True),
        ("SalesOrder gt '90000018'", True),
        ("SalesOrder lt '090000018'", False),
    ],
)
def test_filters_compare_with_literals_of_v4(reader: httpx.Client, number: str, condition: str, hit: bool) -> None:
    assert (number in numbers(reader, condition)) is hit


@pytest.mark.parametrize(
    "query",
    [
        {"$filter": "Colour eq 'red'"},
        {"$filter": "SoldToParty eq 17100001"},
        {"$filter": "RequestedDeliveryDate eq datetime'2030-01-01T00:00:00'"},
        {"$filter": "RequestedDeliveryDate eq '2030-01-01'"},
        {"$filter": "not SoldToParty eq '1'"},
        {"$filter": "TotalNetAmount gt 5"},
        {"$filter": "substringof('x',SoldToParty)"},
        {"$filter": "startswith(TotalNetAmount,'5')"},
        {"$select": "Colour"},
        {"$expand": "to_Item"},
        {"$expand": "_Item($select=Colour)"},
        {"$expand": "_Item($select=Product"},
        {"$orderby": "Colour"},
        {"$orderby": "SalesOrder up"},
        {"$top": "-1"},
        {"$count": "yes"},
        {"$inlinecount": "allpages"},
        {"$search": "x"},
    ],
)
def test_options_that_cannot_be_made_out_are_refused(reader: httpx.Client, query: dict[str, str]) -> None:
    answer = reader.get(f"{V4}/SalesOrder", params=query)
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"]["message"], str)


@pytest.mark.parametrize(
    "path",
    [
        "SalesOrder('1')",
        "SalesOrder/1",
        "A_SalesOrder",
        "SalesOrder('90000017')/to_Item",
        "SalesOrder/90000017/_Item/1",
        "SalesOrder('90000017')/_Item(SalesOrder='90000018',SalesOrderItem='10')",
        "SalesOrder/90000017/Colour",
    ],
)
def test_what_is_not_there_is_a_404_in_the_words_of_v4(reader: httpx.Client, path: str) -> None:
    answer = reader.get(f"{V4}/{path}", headers={"Accept": "*/*"})
    assert (answer.status_code, answer.headers["odata-version"]) == (404, "4.0")
    assert "Resource not found" in told(answer)[0]


def test_a_long_collection_comes_in_pages_with_a_relative_link(writer: httpx.Client, erp: ApplicationServer) -> None:
    erp.configure(page_size=2)
    made = [create(writer, item("TG11", place))["SalesOrder"] for place in (1, 2, 3)]
    asked = {"$select": "SalesOrder", "$orderby": "SalesOrder desc", "$count": "true", "$top": "4"}
    url, seen, counts = httpx.URL(f"{writer.base_url}").join(f"{V4}/SalesOrder").copy_merge_params(asked), [], []
    while True:
        page = writer.get(url).json()
        seen += [row["SalesOrder"] for row in page["value"]]
        counts.append(page["@odata.count"])
        if "@odata.nextLink" not in page:
            break
        assert page["@odata.nextLink"].startswith("SalesOrder?")
        url = url.join(page["@odata.nextLink"])
    assert seen == [*reversed(made), "90000018"]
    assert counts == [5, 5]


def test_a_page_below_an_order_links_from_the_place_it_is_at(writer: httpx.Client, erp: ApplicationServer) -> None:
    erp.configure(page_size=2)
    number = create(writer, item("TG11", 1), item("TG12", 1), item("TG13", 1))["SalesOrder"]
    answer = writer.get(f"{header(number)}/_Item")
    following = answer.url.join(answer.json()["@odata.nextLink"])
    assert [row["Product"] for row in writer.get(following).json()["value"]] == ["TG13"]


def test_the_orders_of_before_are_there_with_their_statuses(reader: httpx.Client) -> None:
    found = reader.get(header("90000017"), params={"$expand": "_Item($expand=_ScheduleLine)"}).json()
    assert [row["DeliveryStatus"] for row in found["_Item"]] == ["B", "C", "A"]
    assert (found["OverallDeliveryStatus"], found["CreatedByUser"]) == ("B", "SALES01")
    assert found["_Item"][0]["_ScheduleLine"][0]["DeliveredQtyInOrderQtyUnit"] == 15
