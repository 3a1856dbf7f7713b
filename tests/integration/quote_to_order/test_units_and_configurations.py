"""What a quote names in its own words, in the ERP's: units by its fractions, configurations by its revisions."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from process_apis.operation_views import InternalOperation, OperationView
from process_apis.reference_maps import ProductName, ReferenceMaps
from system_apis.deadline import Deadline
from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import Shop, open_shop
from tests.sandbox import RunningSandbox

VALID = {"mode": "validLines"}
BILLS, ROUTINGS = "API_BILL_OF_MATERIAL_SRV", "API_PRODUCTION_ROUTING"


def met(done: OperationView) -> list[tuple[str, str | None]]:
    assert isinstance(done, InternalOperation)
    return [(one.code, one.line_id) for one in done.exceptions]


def of_product(done: OperationView, product: str) -> Any:
    assert isinstance(done, InternalOperation)
    return next(line for line in done.lines if line.product == product)


def is_waiting(seen: OperationView) -> bool:
    assert isinstance(seen, InternalOperation)
    return seen.waiting_for is not None


async def line_ids(shop: Shop, quote_id: str) -> dict[str, str]:
    """By product."""
    quote = await shop.landscape.crm.read_quote(quote_id, deadline=Deadline.after(5))
    return {line.material: line.line_id for line in quote.lines}


async def test_cartons_are_ordered_as_pieces_and_told_as_cartons(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1009"))
    assert done.state == "completed"
    line = of_product(done, "TG17")
    assert (line.requested.value, line.requested.unit) == (Decimal(10), "CT")
    assert (line.ordered.value, line.ordered.unit) == (Decimal(120), "C62")
    by = line.uom_conversion
    assert (by.from_unit, by.to, by.numerator, by.denominator, by.rounded) == ("CT", "C62", 12, 1, False)
    assert (line.confirmed_quantity.value, line.confirmed_quantity.unit) == (Decimal(120), "C62")
    (order,) = witness.orders_of(fresh_sandbox, done.operation_id)
    item = next(each for each in order["to_Item"]["results"] if each["Material"] == "TG17")
    assert (Decimal(item["RequestedQuantity"]), item["RequestedQuantityUnit"]) == (120, "PC")
    assert witness.quote_line(fresh_sandbox, line.line_id)["Confirmed_Quantity__c"] == 10
    kilograms = of_product(done, "TG16")
    assert (kilograms.uom_conversion, kilograms.ordered) == (None, None)
    assert kilograms.confirmed_quantity.value == Decimal("25.5")


async def test_what_is_no_whole_sales_unit_or_too_little_is_an_exception_and_no_order(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1021")
    ids = await line_ids(shop, quote_id)
    done = await shop.convert(quote_id, acceptance=VALID)
    assert done.state == "completedWithExceptions"
    assert met(done) == [("quantity-multiple", ids["TG18"]), ("quantity-below-minimum", ids["TG19"])]
    (order,) = witness.orders_of(fresh_sandbox, done.operation_id)
    assert [item["Material"] for item in order["to_Item"]["results"]] == ["TG11"]


async def test_a_quantity_is_rounded_up_only_where_the_configuration_says_so_and_shows_it(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1021")
    async with open_shop(tmp_path / "operations.db", fresh_sandbox.urls, rounding="up") as shop:
        ids = await line_ids(shop, quote_id)
        done = await shop.convert(quote_id, lines=[{"lineId": ids["TG18"]}])
        line = of_product(done, "TG18")
        assert done.state == "completed"
        assert (line.requested.value, line.ordered.value, line.ordered.unit) == (Decimal(10), Decimal(2), "CT")
        assert line.uom_conversion.rounded
        told = witness.quote_line(fresh_sandbox, line.line_id)
        assert told["Confirmed_Quantity__c"] == 12, "two cartons are twelve pieces"


async def test_a_product_that_the_crm_knows_by_another_name_is_found_in_the_map(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    maps = ReferenceMaps.of([ProductName("sku", "TG11", "TG15")])
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls, crm_products="sku", references=maps) as shop:
        policy = {"tolerancePercent": "100", "onMismatch": "useErp"}
        done = await shop.convert(fresh_sandbox.quote_id("Q-1010"), pricePolicy=policy)
        assert of_product(done, "TG15").item == "10"
        unknown = await shop.convert(fresh_sandbox.quote_id("Q-1002"), acceptance=VALID, pricePolicy=policy)
        assert "item-unknown" in {code for code, _ in met(unknown)}


async def test_a_configured_product_that_is_up_to_date_is_ordered(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1008"))
    assert (done.state, met(done)) == ("completed", [])
    assert len(witness.orders_of(fresh_sandbox, done.operation_id)) == 1


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("BOM_Revision__c", "C300-2", "bom-revision-outdated"),
        ("Routing_Revision__c", "R300-3", "routing-outdated"),
        ("Bundle_Revision__c", "B300-0", "configuration-invalid"),
    ],
)
async def test_a_stale_revision_is_an_exception_on_its_line_and_no_order(
    shop: Shop, fresh_sandbox: RunningSandbox, field: str, value: str, code: str
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1008")
    line_id = (await line_ids(shop, quote_id))["FG300"]
    witness.change_line(fresh_sandbox, line_id, {field: value})
    done = await shop.convert(quote_id, acceptance=VALID)
    assert (done.state, done.order_id) == ("rejected", None)
    assert met(done) == [(code, line_id)]
    assert isinstance(done, InternalOperation)
    (one,) = done.exceptions
    assert (one.blocking, one.owner.role, one.detected_by.system) == (True, "sales", "erp")
    assert value in one.detail
    assert witness.posts(fresh_sandbox) == 0
    (told,) = witness.exceptions_of(fresh_sandbox, done.operation_id)
    assert (told["Code__c"], told["Quote_Line_Id__c"], told["Owner_Role__c"]) == (code, line_id, "sales")
    current = {"BOM_Revision__c": "C300-3", "Routing_Revision__c": "R300-4", "Bundle_Revision__c": "B300-1"}
    witness.change_line(fresh_sandbox, line_id, {field: current[field]})
    assert (await shop.convert(quote_id)).state == "completed", "configured anew it is ordered"


async def test_a_plan_that_works_with_another_routing_makes_no_order(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.planned_with({"FG300": "R300-3"})
    done = await shop.convert(fresh_sandbox.quote_id("Q-1008"))
    assert (done.state, [code for code, _ in met(done)]) == ("rejected", ["routing-outdated"])
    assert isinstance(done, InternalOperation)
    assert done.exceptions[0].detected_by.system == "scheduler"
    assert witness.posts(fresh_sandbox) == 0


async def test_a_configured_product_without_a_configuration_is_no_order(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1008")
    ids = await line_ids(shop, quote_id)
    names = ("Configuration_Id__c", "Bundle_Revision__c", "BOM_Revision__c", "Routing_Revision__c")
    witness.change_line(fresh_sandbox, ids["FG300"], dict.fromkeys(names))  # type: ignore[arg-type]  # JSON null
    done = await shop.convert(quote_id)
    assert (done.state, met(done)) == ("rejected", [("configuration-invalid", ids["FG300"])])


@pytest.mark.parametrize(
    ("service", "name"), [(BILLS, "Q-1008"), (ROUTINGS, "Q-1008"), ("API_BUSINESS_PARTNER", "Q-1020")]
)
async def test_what_our_own_user_may_not_read_is_waited_for_and_no_fault_of_the_quote(
    shop: Shop, fresh_sandbox: RunningSandbox, service: str, name: str
) -> None:
    """Nothing is ordered unchecked, and nobody is told no for a right that we lack."""
    shut = fresh_sandbox.fault("sap", "forbidden", path=service)
    started = await shop.convert(fresh_sandbox.quote_id(name), wait_s=None)
    waiting = await shop.until(started.operation_id, is_waiting)
    assert (waiting.state, waiting.order_id, met(waiting)) == ("validating", None, [])
    fresh_sandbox.lift(shut)
    assert (await shop.ended(started.operation_id)).state == "completed"


async def test_revisions_that_cannot_be_read_just_now_are_waited_for(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    down = fresh_sandbox.fault("sap", "unavailable", path=BILLS)
    started = await shop.convert(fresh_sandbox.quote_id("Q-1008"), wait_s=None)
    waiting = await shop.until(started.operation_id, is_waiting)
    assert waiting.state == "validating"
    fresh_sandbox.lift(down)
    assert (await shop.ended(started.operation_id)).state == "completed"


async def test_without_the_materials_nothing_is_ordered_unchecked(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    """Nobody lets us read materials: an operator has to see to that, and then it goes on."""
    shut = fresh_sandbox.fault("sap", "forbidden", path="API_PRODUCT_SRV")
    started = await shop.convert(fresh_sandbox.quote_id("Q-1009"), wait_s=None)
    waiting = await shop.until(started.operation_id, is_waiting)
    assert (waiting.state, waiting.order_id) == ("validating", None)
    fresh_sandbox.lift(shut)
    assert (await shop.ended(started.operation_id)).state == "completed"


async def test_the_goods_go_to_the_ship_to_party_of_the_quote(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1020"))
    assert done.state == "completed"
    partners = witness.partners_of(fresh_sandbox, str(done.order_id).split(".")[1])
    assert (partners["SP"], partners["SH"]) == ("17100001", "17100011")


async def test_a_ship_to_party_that_is_not_the_customers_makes_no_order(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1010")
    witness.change_quote(fresh_sandbox, quote_id, {"ERP_Ship_To__c": "17100002"})
    done = await shop.convert(quote_id, acceptance=VALID)
    assert (done.state, met(done)) == ("rejected", [("ship-to-invalid", None)])
    assert witness.posts(fresh_sandbox) == 0


async def test_the_tax_of_the_simulation_stands_on_the_line(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1010"))
    line = of_product(done, "TG11")
    assert line.tax is not None
    assert line.tax.amount == (line.priced.amount * Decimal("0.08")).quantize(Decimal("0.01"))
