"""Orders read by OData version 4: exact, whole, and from nowhere but the configured origin."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from system_apis.errors import NotFoundInSystem, UnreadableAnswer
from system_apis.sap.models import Confirmation
from tests.contract.sap.answers import DAY, soon
from tests.contract.sap.answers_v4 import ETAG, EXACT, ROOT, answer, erp, order, refused, version
from tests.contract.tape import Player, json_answer, tape


async def test_an_order_is_read_in_the_same_words_as_by_version_2() -> None:
    read = await erp(Player([("GET", json_answer("sap_v4_order"))])).read_order("4711", deadline=soon())
    assert (read.number, read.sold_to, read.reference, read.customer_po) == ("4711", "17100001", "op_01", "PO-9")
    assert (read.etag, read.requested_date, read.ship_to) == (ETAG, DAY, "17100004")
    assert read.changed_at == datetime(2026, 11, 20, 15, 36, 52, 123456, tzinfo=UTC)
    assert (read.credit, read.delivery_status, read.status, read.rejected) == ("ok", "open", "partial", "none")
    first, second = read.items
    assert (first.item, first.material, first.unit, first.quantity) == ("10", "TG11", "C62", Decimal(40))
    assert (first.plant, first.parent, first.schedule_lines) == ("1710", "", ("1",))
    assert first.confirmations == (Confirmation(DAY, DAY, Decimal(40), Decimal(40)),)
    assert second.confirmations == ()


async def test_an_order_is_asked_with_a_select_at_each_level_and_exact_decimals() -> None:
    player = Player([("GET", json_answer("sap_v4_order"))])
    await erp(player).read_order("47'11", deadline=soon())
    (asked,) = player.seen
    assert asked.url.path == f"{ROOT}/SalesOrder('47''11')"
    assert (asked.headers["accept"], asked.headers["sap-client"], asked.headers["sap-language"]) == (EXACT, "100", "EN")
    assert "prefer" not in asked.headers, "an answer for later is never asked for"
    options = parse_qs(asked.url.query.decode())
    (expand,) = options["$expand"]
    assert expand.startswith("_Item($select=SalesOrderItem,Product,RequestedQuantity,")
    assert ";$expand=_ScheduleLine($select=ScheduleLine,ScheduleLineOrderQuantity," in expand
    assert expand.endswith(",_Partner($select=PartnerFunction,Customer)")
    assert not {"@", "_", "SAP__Messages"} & {name[:1] for name in options["$select"][0].split(",")}


@pytest.mark.parametrize("amount", ["1234567890123.45", '"1234567890123.45"'])
async def test_no_digit_is_lost_whether_decimals_come_as_texts_or_as_numbers(amount: str) -> None:
    body = tape("sap_v4_order").replace(b'"TotalNetAmount": 3200.00', f'"TotalNetAmount": {amount}'.encode())
    read = await erp(Player([("GET", httpx.Response(200, content=body))])).read_order("4711", deadline=soon())
    assert read.net_amount == Decimal("1234567890123.45")


@pytest.mark.parametrize(
    "link", ["SalesOrder('4711')/_Item?$skiptoken=1", "https://inner.sap:44300{root}/more?$skiptoken=1"]
)
async def test_every_page_of_every_part_is_asked_of_the_configured_origin(link: str) -> None:
    first = order()
    items, partners = first.pop("_Item"), first.pop("_Partner")
    lines = items[0]["_ScheduleLine"]
    items[0] = {**items[0], "_ScheduleLine": [], "_ScheduleLine@odata.nextLink": link.format(root=ROOT)}
    body = {**first, "_Item": items[:1], "_Item@odata.nextLink": link.format(root=ROOT), "_Partner": partners}
    pages = [answer({"value": items[1:]}), answer({"value": lines})]
    player = Player([("GET", answer(body)), *(("GET", page) for page in pages)])
    read = await erp(player).read_order("4711", deadline=soon())
    assert [item.item for item in read.items] == ["10", "20"]
    assert read.items[0].confirmations == (Confirmation(DAY, DAY, Decimal(40), Decimal(40)),)
    assert {(request.url.host, request.url.path.startswith(f"{ROOT}/")) for request in player.seen} == {
        ("sap.example", True)
    }


@pytest.mark.parametrize("link", ["https://evil.example/SalesOrder", "/sap/opu/odata4/sap/other/x", "../../other"])
async def test_a_page_outside_the_service_is_not_asked_for(link: str) -> None:
    player = Player([("GET", answer(order(**{"_Item@odata.nextLink": link})))])
    with pytest.raises(UnreadableAnswer):
        await erp(player).read_order("4711", deadline=soon())
    assert len(player.seen) == 1


IN_KILOGRAMS = b'"ScheduleLineOrderQuantity": 40, "OrderQuantitySAPUnit": "KG"'


def without(part: str, name: str) -> dict[str, Any]:
    read = order()
    holder = {"order": read, "item": read["_Item"][0], "line": read["_Item"][0]["_ScheduleLine"][0]}[part]
    del holder[name]
    return read


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("order", "_Item"),
        ("order", "_Partner"),
        ("order", "@odata.etag"),
        ("item", "_ScheduleLine"),
        ("item", "RequestedQuantity"),
        ("line", "ConfdOrderQtyByMatlAvailCheck"),
        ("line", "ScheduleLineOrderQuantity"),
    ],
)
async def test_what_was_asked_for_and_left_out_is_not_read_as_empty(part: str, name: str) -> None:
    with pytest.raises(UnreadableAnswer):
        await erp(Player([("GET", answer(without(part, name)))])).read_order("4711", deadline=soon())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"2026-11-26"', b'"/Date(1795651200000)/"'),
        (b'"2026-11-20T15:36:52.1234560Z"', b'"2026-11-20T15:36:52"'),
        (b'"RequestedQuantitySAPUnit": "ST", "RequestedQuantityISOUnit": "PCE"', b'"RequestedQuantitySAPUnit": "XX"'),
        (b'"ScheduleLineOrderQuantity": 40,\n          "OrderQuantitySAPUnit": "ST"', IN_KILOGRAMS),
        (b'"ConfirmedDeliveryDate": "2026-11-26", "ConfdOrder', b'"ConfirmedDeliveryDate": null, "ConfdOrder'),
        (b'"TotalCreditCheckStatus": "A"', b'"TotalCreditCheckStatus": "Z"'),
        (b'"TotalNetAmount": 3200.00', b'"TotalNetAmount": 1e99'),
    ],
)
async def test_what_is_not_as_the_contract_says_is_never_guessed(before: bytes, after: bytes) -> None:
    body = tape("sap_v4_order")
    assert before in body
    with pytest.raises(UnreadableAnswer):
        await erp(Player([("GET", httpx.Response(200, content=body.replace(before, after)))])).read_order(
            "4711", deadline=soon()
        )


async def test_an_order_is_found_by_reference_and_customer_only_if_the_reference_is_exactly_ours() -> None:
    listed = {"value": [order(), order(SalesOrder="4712", PurchaseOrderByShipToParty="OP_01")]}
    player = Player([("GET", answer(listed))])
    found = await erp(player).find_by_reference("op_01", "17100001", deadline=soon())
    assert [one.number for one in found] == ["4711"]
    (filtered,) = parse_qs(player.seen[0].url.query.decode())["$filter"]
    assert filtered == "PurchaseOrderByShipToParty eq 'op_01' and SoldToParty eq '17100001'"


async def test_our_reference_may_live_in_a_field_of_the_customer() -> None:
    player = Player([("GET", answer({"value": [order(YY1_Ordergate_SDH="op_77")]}))])
    own = erp(player, reference_field="YY1_Ordergate_SDH")
    (found,) = await own.find_by_reference("op_77", "17100001", deadline=soon())
    assert found.reference == "op_77"
    assert "YY1_Ordergate_SDH eq 'op_77'" in parse_qs(player.seen[0].url.query.decode())["$filter"][0]


async def test_the_version_alone_is_read_and_an_unknown_order_not_found() -> None:
    player = Player([("GET", version(ETAG)), ("GET", refused(404, "/IWBEP/CM_V4_RUNTIME/041", "not found"))])
    assert await erp(player).read_version("4711", deadline=soon()) == ETAG
    with pytest.raises(NotFoundInSystem):
        await erp(player).read_version("999", deadline=soon())


async def test_ping_wants_the_root_of_the_order_service() -> None:
    player = Player([("HEAD", httpx.Response(200))])
    await erp(player).ping(deadline=soon())
    assert player.seen[0].url.path == f"{ROOT}/"
