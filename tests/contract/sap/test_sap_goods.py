"""The SAP client against payloads of the published contract: materials, customers, stock, what is on its way."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import unquote

import httpx
import msgspec
import pytest

from system_apis.errors import NotFoundInSystem, UnreadableAnswer
from system_apis.sap.goods import Customer, DeliveryItem, PlantData, Product, ProductionOrder, UnitRatio
from tests.contract.sap.answers import AREA, ROOT, erp, looked_up, refused_part, soon, taped, token
from tests.contract.tape import Player, json_answer, tape


def query(request: httpx.Request) -> str:
    return unquote(request.url.query.decode())


async def test_a_material_is_read_with_its_units() -> None:
    player = Player([("GET", json_answer("sap_product"))])
    product = await erp(player).product("TG17", deadline=soon())
    assert product == Product(
        "TG17",
        "C62",
        (
            UnitRatio("CT", Decimal(12), Decimal(1)),
            UnitRatio("C62", Decimal(1), Decimal(1)),
            UnitRatio("KGM", Decimal(10), Decimal(3)),
        ),
        "",
        configurable=False,
        deleted=False,
    ), "a unit that we have no word for is left out"
    (request,) = player.seen
    assert request.url.path == f"{ROOT}/API_PRODUCT_SRV/A_Product('TG17')"
    assert "to_ProductUnitsOfMeasure/QuantityNumerator" in query(request)
    assert "YY1_" not in query(request)


@pytest.mark.parametrize(
    ("quantity", "unit", "base"),
    [("3", "CT", "36"), ("5", "C62", "5"), ("1", "KGM", "3.334"), ("0.001", "CT", "0.012"), ("1", "LTR", None)],
)
async def test_a_quantity_in_base_units_is_never_less_than_what_was_asked(
    quantity: str, unit: str, base: str | None
) -> None:
    product = await erp(Player([("GET", json_answer("sap_product"))])).product("TG17", deadline=soon())
    assert product.in_base_units(Decimal(quantity), unit) == (Decimal(base) if base else None)


async def test_a_unit_without_a_ratio_is_not_guessed() -> None:
    body = tape("sap_product").replace(b'"QuantityNumerator": "12"', b'"QuantityNumerator": "0"')
    with pytest.raises(UnreadableAnswer):
        await erp(Player([("GET", httpx.Response(200, content=body))])).product("TG17", deadline=soon())


async def test_a_material_at_a_plant_says_whether_it_is_made_there_and_how_long_more_takes() -> None:
    player = Player([("GET", json_answer("sap_product_plant"))])
    data = await erp(player).plant_data("FG126", "1710", deadline=soon())
    assert data == PlantData(
        "FG126",
        "1710",
        "C62",
        made_here=True,
        bought=True,
        status="",
        deleted=False,
        replenishment_days=15,
        delivery_days=3,
        smallest_lot=Decimal(5),
        availability_group="SR",
    )
    assert player.seen[0].url.path == f"{ROOT}/API_PRODUCT_SRV/A_ProductPlant(Product='FG126',Plant='1710')"


async def test_a_material_without_planning_data_takes_no_days() -> None:
    data = msgspec.json.decode(tape("sap_product_plant"))
    data["d"] |= {"to_ProductSupplyPlanning": None, "ProcurementType": "E"}
    player = Player([("GET", httpx.Response(200, content=msgspec.json.encode(data)))])
    read = await erp(player).plant_data("FG126", "1710", deadline=soon())
    assert (read.replenishment_days, read.made_here, read.bought) == (0, True, False)


async def test_a_customer_is_read_in_one_batch_with_the_blocks_of_customer_and_area() -> None:
    player = Player([token(), ("POST", looked_up(taped("sap_customer"), taped("sap_customer_area")))])
    customer = await erp(player).customer("17100001", AREA, deadline=soon())
    assert customer == Customer(
        "17100001",
        "Northwind Tooling",
        order_block="07",
        delivery_block="01",
        billing_block="",
        currency="USD",
        plant="1710",
        ship_tos=("17100001", "17100004"),
    )
    (post,) = player.asked("POST")
    assert post.url.path == f"{ROOT}/API_BUSINESS_PARTNER/$batch"
    assert b"GET A_Customer('17100001')?" in post.content
    key = b"Customer='17100001',SalesOrganization='1710',DistributionChannel='10',Division='00'"
    assert b"GET A_CustomerSalesArea(" + key + b")?" in post.content


async def test_a_customer_of_another_sales_area_is_not_found() -> None:
    gone = refused_part("404 Not Found", "/IWBEP/CM_MGW_RT/020", "Resource not found")
    player = Player([token(), ("POST", looked_up(taped("sap_customer"), gone))])
    with pytest.raises(NotFoundInSystem):
        await erp(player).customer("17100001", AREA, deadline=soon())


async def test_stock_is_what_is_unrestricted_and_nobodys_in_particular() -> None:
    player = Player([("GET", json_answer("sap_stock"))])
    before = datetime.now(UTC)
    stock = await erp(player).stock("TG11", "1710", deadline=soon())
    assert (stock.quantity, stock.unit) == (Decimal("500.125"), "C62"), (
        "stock of an order and blocked stock are left out"
    )
    assert stock.fetched_at >= before
    assert "$filter=Material eq 'TG11' and Plant eq '1710' and InventoryStockType eq '01'&" in query(player.seen[0])


async def test_stock_keeps_every_one_of_its_fourteen_decimals() -> None:
    body = tape("sap_stock").replace(b"20.12500000000000", b"0.00000000000001")
    stock = await erp(Player([("GET", httpx.Response(200, content=body))])).stock("TG11", "1710", deadline=soon())
    assert stock.quantity == Decimal("480.00000000000001")


async def test_stock_is_read_over_all_pages() -> None:
    page = msgspec.json.decode(tape("sap_stock"))
    page["d"]["__next"] = "https://inner/x" + ROOT + "/API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod?$skiptoken=4"
    first = httpx.Response(200, content=msgspec.json.encode(page))
    player = Player([("GET", first), ("GET", json_answer("sap_stock"))])
    assert (await erp(player).stock("TG11", "1710", deadline=soon())).quantity == Decimal("1000.25")
    assert str(player.seen[1].url).startswith("https://sap.example" + ROOT)


async def test_no_stock_is_zero_only_where_the_plant_keeps_the_material() -> None:
    nothing = httpx.Response(200, json={"d": {"results": []}})
    player = Player([("GET", nothing), ("GET", json_answer("sap_product_plant"))])
    stock = await erp(player).stock("FG126", "1710", deadline=soon())
    assert (stock.quantity, stock.unit) == (Decimal(0), "C62")
    gone = httpx.Response(404, json={"error": {"code": "X/1", "message": {"lang": "en", "value": "no"}}})
    with pytest.raises(NotFoundInSystem):
        await erp(Player([("GET", nothing), ("GET", gone)])).stock("FG126", "1799", deadline=soon())


async def test_stock_in_two_units_is_not_added_up() -> None:
    body = tape("sap_stock").replace(b'"MaterialBaseUnit": "PC"', b'"MaterialBaseUnit": "KG"', 1)
    with pytest.raises(UnreadableAnswer):
        await erp(Player([("GET", httpx.Response(200, content=body))])).stock("TG11", "1710", deadline=soon())


async def test_what_is_made_for_an_order_is_read_with_its_state() -> None:
    player = Player([("GET", json_answer("sap_production"))])
    (made,) = await erp(player).production_orders("4711", deadline=soon())
    assert made == ProductionOrder(
        "1000123", "4711", "20", "FG126", "1710", Decimal(50), Decimal(12), "C62", "started", date(2026, 12, 3)
    )
    assert "$filter=(SalesOrder eq '4711' or SalesOrder eq '0000004711')&" in query(player.seen[0])


@pytest.mark.parametrize(
    ("flags", "state"),
    [
        ({}, "created"),
        ({"OrderIsReleased": "X"}, "released"),
        ({"OrderIsPartiallyReleased": "X"}, "released"),
        ({"OrderIsReleased": "X", "OrderIsPartiallyConfirmed": "X"}, "started"),
        ({"OrderIsReleased": "X", "MfgOrderConfirmedYieldQty": "1.000"}, "started"),
        ({"OrderIsReleased": "X", "OrderIsConfirmed": "X"}, "finished"),
        ({"OrderIsReleased": "X", "OrderIsTechnicallyCompleted": "X"}, "finished"),
        ({"OrderIsReleased": "X", "OrderIsMarkedForDeletion": "X"}, "deleted"),
    ],
)
async def test_the_furthest_thing_that_happened_is_the_state(flags: dict[str, str], state: str) -> None:
    page = msgspec.json.decode(tape("sap_production"))
    (order,) = page["d"]["results"]
    order |= {name: "" for name in order if name.startswith("OrderIs")}
    order |= {"MfgOrderConfirmedYieldQty": "0.000", **flags}
    player = Player([("GET", httpx.Response(200, content=msgspec.json.encode(page)))])
    (made,) = await erp(player).production_orders("4711", deadline=soon())
    assert made.state == state


async def test_deliveries_are_read_with_what_has_left_the_house() -> None:
    player = Player([("GET", json_answer("sap_delivery_items")), ("GET", json_answer("sap_delivery_headers"))])
    gone, waiting = await erp(player).deliveries("4711", deadline=soon())
    assert (gone.number, gone.issued_date, gone.block) == ("80000001", date(2026, 11, 25), "")
    assert gone.items == (DeliveryItem("10", "TG11", Decimal(25), "C62", picking="complete", issued="complete"),)
    assert (waiting.issued_date, waiting.planned_date, waiting.block) == (None, date(2026, 12, 2), "01")
    assert [(item.item, item.picking, item.issued) for item in waiting.items] == [
        ("10", "partial", "open"),
        ("20", "notRelevant", "open"),
    ]
    items, headers = player.seen
    assert "(ReferenceSDDocument eq '4711' or ReferenceSDDocument eq '0000004711')" in query(items)
    assert "DeliveryDocument eq '80000001' or DeliveryDocument eq '80000002'" in query(headers)


async def test_an_order_without_deliveries_asks_for_no_headers() -> None:
    player = Player([("GET", httpx.Response(200, json={"d": {"results": []}}))])
    assert await erp(player).deliveries("4711", deadline=soon()) == ()
    assert len(player.seen) == 1


async def test_a_delivery_whose_header_is_missing_is_not_shown_half() -> None:
    none = httpx.Response(200, json={"d": {"results": []}})
    with pytest.raises(UnreadableAnswer):
        await erp(Player([("GET", json_answer("sap_delivery_items")), ("GET", none)])).deliveries(
            "4711", deadline=soon()
        )
