"""The SAP client and the sandbox's SAP over a real socket: availability, master data, stock, what is on its way."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest

from system_apis.errors import NotFoundInSystem, SystemRefused
from system_apis.sap.client import SapErp
from system_apis.sap.goods import AvailabilityQuestion, SoldAs
from system_apis.sap.models import ItemChange, OrderPatch
from tests.integration.neighbours.clients import AREA, CUSTOMER, demand, erp_of, new_order, soon, today
from tests.integration.neighbours.conftest import EITHER_DIALECT
from tests.sandbox import RunningSandbox

PALO_ALTO = ZoneInfo("America/Los_Angeles")


def question(
    sandbox: RunningSandbox, line: str, material: str, quantity: str, unit: str = "C62"
) -> AvailabilityQuestion:
    at = datetime.combine(today(sandbox) + timedelta(days=5), time(12), PALO_ALTO)
    return AvailabilityQuestion(line, material, "1710", Decimal(quantity), unit, at)


async def test_many_lines_are_checked_in_one_batch_each_in_base_units(
    erp: SapErp, fresh_sandbox: RunningSandbox
) -> None:
    lines = [
        question(fresh_sandbox, "a", "TG11", "40"),
        question(fresh_sandbox, "b", "TG12", "100"),
        question(fresh_sandbox, "c", "TG17", "2", unit="CT"),
        question(fresh_sandbox, "d", "TG20", "1"),
        question(fresh_sandbox, "e", "NO-SUCH", "1"),
        question(fresh_sandbox, "f", "TG11", "1", unit="LTR"),
    ]
    enough, late, cartons, none, unknown, litres = await erp.check_availability(lines, deadline=soon())
    assert (enough.unit, enough.asked, enough.available) == ("C62", Decimal(40), Decimal(500))
    assert enough.complete_at is not None
    assert late.available == 60
    assert late.complete_at is not None
    assert late.complete_at.astimezone(PALO_ALTO).date() == today(fresh_sandbox) + timedelta(days=12)
    assert (cartons.unit, cartons.asked) == ("C62", Decimal(24))
    assert (none.available, none.complete_at) == (Decimal(0), None)
    assert [one.refused is not None for one in (unknown, litres)] == [True, True]
    posts = [one for one in fresh_sandbox.journal("sap") if one["path"].endswith("$batch")]
    assert len(posts) == 2, "materials once, then all lines at once"


async def test_availability_over_time_grows_with_the_receipt(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    periods = await erp.availability_series("TG12", "1710", deadline=soon())
    assert [(one.available, one.unit) for one in periods][:1] == [(Decimal(60), "C62")]
    assert periods[-1].until is None
    assert max(one.available for one in periods) == 260


async def test_a_material_is_read_with_units_and_plant_data(erp: SapErp) -> None:
    cartons = await erp.product("TG17", deadline=soon())
    assert cartons.in_base_units(Decimal(2), "CT") == 24
    assert (await erp.product("FG300", deadline=soon())).configurable
    made = await erp.plant_data("FG126", "1710", deadline=soon())
    assert (made.made_here, made.base_unit) == (True, "C62")
    traded = await erp.plant_data("TG11", "1710", deadline=soon())
    assert (traded.made_here, traded.bought) == (False, True)
    for ask in (
        erp.product("NO-SUCH", deadline=soon()),
        erp.plant_data("TG11", "9999", deadline=soon()),
        erp.stock("TG11", "9999", deadline=soon()),
    ):
        with pytest.raises(NotFoundInSystem):
            await ask


async def test_stock_is_read_and_none_is_zero(erp: SapErp) -> None:
    before = datetime.now(UTC)
    stock = await erp.stock("TG11", "1710", deadline=soon())
    assert (stock.quantity, stock.unit) == (Decimal(500), "C62")
    assert stock.fetched_at >= before
    assert (await erp.stock("TG20", "1710", deadline=soon())).quantity == 0


async def test_price_elements_add_up_to_the_net_amount(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    day = today(fresh_sandbox) + timedelta(days=5)
    lines = [demand("a", "TG11", "40", day)]
    answer = await erp.simulate(CUSTOMER, AREA, lines, deadline=soon(), with_elements=True)
    (line,) = answer.lines
    counted = [one for one in line.elements if one.active and not one.statistical]
    assert {one.condition for one in counted}, "the price is explained"
    assert line.net_amount in {sum(one.amount for one in counted), sum(one.amount for one in counted) - line.tax_amount}


@EITHER_DIALECT
async def test_another_ship_to_is_kept_and_read(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    new = msgspec.structs.replace(new_order(fresh_sandbox, "op_goods_2"), ship_to="17100004")
    order = await erp.create_order(new, deadline=soon())
    assert (order.sold_to, order.ship_to) == (CUSTOMER, "17100004")


@EITHER_DIALECT
async def test_a_delivery_block_is_set_and_lifted(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    order = await erp.create_order(new_order(fresh_sandbox, "op_goods_3"), deadline=soon())
    for block in ("01", ""):
        changed = await erp.change_order(
            OrderPatch(order.number, order.etag, (), delivery_block=block), deadline=soon(), reread=True
        )
        assert changed.order is not None
        order = changed.order
        assert order.delivery_block == block


@EITHER_DIALECT
async def test_a_rejection_is_made_and_taken_back(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    order = await erp.create_order(new_order(fresh_sandbox, "op_goods_4"), deadline=soon())
    for reason, rejected in (("61", "complete"), ("", "none")):
        patch = OrderPatch(order.number, order.etag, (ItemChange("10", reject=reason),))
        changed = (await erp.change_order(patch, deadline=soon(), reread=True)).order
        assert changed is not None
        assert (changed.items[0].rejection_reason, changed.rejected) == (reason, rejected)
        order = changed


async def test_the_part_that_was_not_taken_is_named(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    order = await erp.create_order(new_order(fresh_sandbox, "op_goods_5"), deadline=soon())
    day = today(fresh_sandbox) + timedelta(days=5)
    added = tuple(demand(str(n), material, "1", day) for n, material in enumerate(("TG12", "TG14")))
    with pytest.raises(SystemRefused) as met:
        await erp.change_order(OrderPatch(order.number, order.etag, (), added), deadline=soon())
    assert met.value.part == 2, "the header, TG12, TG14"
    assert await erp.read_order(order.number, deadline=soon()) == order


@EITHER_DIALECT
async def test_what_has_left_the_house_is_seen_at_order_and_delivery(erp: SapErp) -> None:
    order = await erp.read_order("90000017", deadline=soon())
    assert [(item.item, item.delivered, item.delivery_status) for item in order.items] == [
        ("10", Decimal(15), "partial"),
        ("20", Decimal(100), "complete"),
        ("30", Decimal(0), "open"),
    ]
    gone, waiting = await erp.deliveries("90000017", deadline=soon())
    assert gone.issued_date is not None
    assert [(item.item, item.quantity, item.issued) for item in gone.items] == [
        ("10", Decimal(15), "complete"),
        ("20", Decimal(100), "complete"),
    ]
    assert (waiting.issued_date, [(item.item, item.picking) for item in waiting.items]) == (None, [("10", "partial")])


async def test_a_new_order_has_no_deliveries(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    order = await erp.create_order(new_order(fresh_sandbox, "op_goods_1"), deadline=soon())
    assert await erp.deliveries(order.number, deadline=soon()) == ()


async def test_an_instance_that_keeps_nothing_repeatable_is_noticed_and_the_order_made(
    fresh_sandbox: RunningSandbox,
) -> None:
    client = erp_of(fresh_sandbox, repeatable=True)
    order = await client.create_order(new_order(fresh_sandbox, "op_goods_6"), deadline=soon())
    assert (order.reference, client.repeatability) == ("op_goods_6", "unsupported")
    await client.aclose()


async def test_a_customer_is_read_with_its_ship_to_parties(erp: SapErp) -> None:
    customer = await erp.customer(CUSTOMER, AREA, deadline=soon())
    assert (customer.number, customer.name, customer.order_block) == (CUSTOMER, "Northwind Tooling", "")
    assert CUSTOMER in customer.ship_tos
    with pytest.raises(NotFoundInSystem):
        await erp.customer("99999999", AREA, deadline=soon())


async def test_what_is_made_for_an_order_is_seen(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    (made,) = await erp.production_orders("90000017", deadline=soon())
    assert (made.order, made.item, made.material, made.unit) == ("90000017", "30", "FG128", "C62")
    order = await erp.create_order(new_order(fresh_sandbox, "op_goods_7"), deadline=soon())
    assert await erp.production_orders(order.number, deadline=soon()) == ()


async def test_a_create_that_is_repeated_makes_one_order_where_the_instance_keeps_requests(
    fresh_sandbox: RunningSandbox,
) -> None:
    fresh_sandbox.sap_settings(repeatability=True)
    client = erp_of(fresh_sandbox, repeatable=True)
    new = msgspec.structs.replace(new_order(fresh_sandbox, "op_goods_9"), begun_at=datetime.now(UTC))
    first, second = [await client.create_order(new, deadline=soon()) for _ in range(2)]
    assert (first.number, client.repeatability) == (second.number, "accepted")
    assert len(await client.find_by_reference("op_goods_9", CUSTOMER, deadline=soon())) == 1
    await client.aclose()


@EITHER_DIALECT
async def test_short_pages_are_followed_to_their_end(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    day = today(fresh_sandbox) + timedelta(days=5)
    lines = [demand(str(n), "TG11", "1", day) for n in range(5)]
    order = await erp.create_order(new_order(fresh_sandbox, "op_goods_10", *lines), deadline=soon())
    fresh_sandbox.sap_settings(page_size=2)
    assert await erp.read_order(order.number, deadline=soon()) == order
    assert len(order.items) == 5
    assert await erp.find_by_reference("op_goods_10", CUSTOMER, deadline=soon()) == (order,)
    assert (await erp.stock("TG11", "1710", deadline=soon())).quantity >= 495


@EITHER_DIALECT
async def test_the_sandbox_has_all_we_use(erp: SapErp) -> None:
    assert await erp.drift(deadline=soon()) == ()


async def test_materials_are_sold_in_units_of_their_own(erp: SapErp) -> None:
    found = await erp.sold(["TG18", "TG19", "TG11", "NO-SUCH"], AREA, deadline=soon())
    told = {name: (one.unit, one.minimum) for name, one in found.items() if isinstance(one, SoldAs)}
    assert told == {"TG18": ("CT", Decimal(0)), "TG19": ("C62", Decimal(10)), "TG11": ("C62", Decimal(0))}
    assert isinstance(found["NO-SUCH"], NotFoundInSystem)


async def test_the_revisions_of_a_configured_product_are_read(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    day = today(fresh_sandbox)
    bills = await erp.bills_of_material("FG300", "1710", deadline=soon())
    valid = {(one.usage, one.revision) for one in bills if one.active and one.valid_from <= day <= one.valid_until}
    assert valid == {("production", "C300-3"), ("sales", "B300-1")}
    assert "C300-2" in {one.revision for one in bills}
    routings = await erp.routings("FG300", "1710", deadline=soon())
    assert {one.revision for one in routings if one.released and one.valid_from <= day <= one.valid_until} == {"R300-4"}
    assert await erp.routings("TG11", "1710", deadline=soon()) == ()
