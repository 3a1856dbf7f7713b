"""The SAP client against payloads of the published contract: orders read and found."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import unquote

import httpx
import msgspec
import pytest

from system_apis.errors import (
    NotFoundInSystem,
    UnreadableAnswer,
)
from system_apis.sap.models import (
    Confirmation,
)
from tests.contract.sap.answers import (
    DAY,
    ETAG,
    ORDERS,
    erp,
    soon,
)
from tests.contract.tape import Player, json_answer, tape


async def test_an_order_is_read_in_our_words() -> None:
    player = Player([("GET", json_answer("sap_order"))])
    order = await erp(player).read_order("4711", deadline=soon())
    assert (order.number, order.sold_to, order.reference, order.customer_po) == ("4711", "17100001", "op_01", "PO-9")
    assert order.etag == ETAG, "the ETag goes back byte for byte"
    assert order.requested_date == DAY
    assert order.changed_at == datetime(2026, 11, 20, 15, 20, tzinfo=UTC)
    assert (order.credit, order.delivery_status) == ("ok", "open")
    first, second = order.items
    assert (first.item, first.unit, first.quantity, first.plant) == ("10", "C62", Decimal(40), "1710")
    assert first.confirmations == (Confirmation(DAY, DAY, Decimal(40), Decimal(40)),)
    assert first.schedule_lines == ("1",)
    assert second.delivery_status == "partial"
    assert second.confirmations[1] == Confirmation(DAY, None, Decimal(0), Decimal(0))


async def test_an_order_says_who_gets_it_what_went_out_and_what_holds_it() -> None:
    order = await erp(Player([("GET", json_answer("sap_order"))])).read_order("4711", deadline=soon())
    assert (order.ship_to, order.approval, order.status, order.rejected) == ("17100004", "approved", "partial", "none")
    first, second = order.items
    assert (first.delivered, first.billing_block, first.parent) == (Decimal(0), "", "")
    assert (second.delivered, second.billing_block, second.parent) == (Decimal(25), "03", "10")
    assert second.confirmations[0] == Confirmation(DAY, DAY, Decimal(100), Decimal(60), Decimal(25), "01")


@pytest.mark.parametrize(
    ("code", "approval"), [("", "notRelevant"), ("A", "pending"), ("C", "rejected"), ("Q", "pending")]
)
async def test_an_approval_we_do_not_know_holds_the_order_back(code: str, approval: str) -> None:
    body = tape("sap_order").replace(b'"SalesDocApprovalStatus": "B"', f'"SalesDocApprovalStatus": "{code}"'.encode())
    order = await erp(Player([("GET", httpx.Response(200, content=body))])).read_order("4711", deadline=soon())
    assert order.approval == approval


async def test_the_schedule_lines_and_partners_of_every_page_are_read() -> None:
    order = msgspec.json.decode(tape("sap_order"))
    schedule = order["d"]["to_Item"]["results"][1]["to_ScheduleLine"]
    partners = order["d"]["to_Partner"]
    rest = [{"d": {"results": some["results"][1:]}} for some in (schedule, partners)]
    for some in (schedule, partners):
        some["results"], some["__next"] = some["results"][:1], "A_SalesOrder('4711')/x?$skiptoken=1"
    player = Player([("GET", httpx.Response(200, content=msgspec.json.encode(one))) for one in (order, *rest)])
    read = await erp(player).read_order("4711", deadline=soon())
    assert len(read.items[1].confirmations) == 2
    assert read.ship_to == "17100004"


async def test_a_part_that_was_asked_for_and_left_out_is_not_read_as_empty() -> None:
    order = msgspec.json.decode(tape("sap_order"))
    order["d"]["to_Item"] = {"__deferred": {"uri": "https://sap.example/A_SalesOrder('4711')/to_Item"}}
    player = Player([("GET", httpx.Response(200, content=msgspec.json.encode(order)))])
    with pytest.raises(UnreadableAnswer):
        await erp(player).read_order("4711", deadline=soon())


async def test_an_order_is_asked_with_expand_select_client_and_language() -> None:
    player = Player([("GET", json_answer("sap_order"))])
    await erp(player, reference_field="YY1_Ordergate_SDH").read_order("4711", deadline=soon())
    (request,) = player.seen
    query = unquote(request.url.query.decode())
    assert request.url.path == f"{ORDERS}/A_SalesOrder('4711')"
    assert "$expand=to_Item,to_Item/to_ScheduleLine,to_Partner&" in query
    assert "YY1_Ordergate_SDH" in query
    assert "to_Item/to_ScheduleLine/ConfdOrderQtyByMatlAvailCheck" in query
    assert request.headers["sap-client"] == "100"
    assert request.headers["sap-language"] == "EN"
    assert request.headers["accept"] == "application/json"
    assert request.headers["authorization"].startswith("Basic ")


async def test_our_reference_may_live_in_a_field_of_the_customer() -> None:
    body = tape("sap_order").replace(b"PurchaseOrderByShipToParty", b"YY1_Ordergate_SDH")
    player = Player([("GET", httpx.Response(200, content=body))])
    order = await erp(player, reference_field="YY1_Ordergate_SDH").read_order("4711", deadline=soon())
    assert order.reference == "op_01"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"40.000", b"NaN"),
        (b"\\/Date(1795651200000)\\/", b"2026-11-26"),
        (b'"RequestedQuantityUnit": "ST"', b'"RequestedQuantityUnit": "ZZ", "x": "'),
        (b'"OverallDeliveryStatus": "A"', b'"OverallDeliveryStatus": "Q"'),
        (b'"TotalCreditCheckStatus": "A"', b'"TotalCreditCheckStatus": "Q"'),
        (b'"etag"', b'"tag"'),
        (b'{"d":', b'<html>{"d":'),
        (b'"60.000"', b'"60.000", "ConfirmedDeliveryDate": null'),
    ],
)
async def test_what_is_not_as_the_contract_says_is_never_guessed(before: bytes, after: bytes) -> None:
    body = tape("sap_order")
    assert before in body
    player = Player([("GET", httpx.Response(200, content=body.replace(before, after)))])
    with pytest.raises(UnreadableAnswer):
        await erp(player).read_order("4711", deadline=soon())


async def test_the_items_of_every_page_are_read() -> None:
    order = msgspec.json.decode(tape("sap_order"))
    items = order["d"]["to_Item"]["results"]
    order["d"]["to_Item"] = {
        "results": items[:1],
        "__next": "https://inner/x" + ORDERS + "/A_SalesOrder('4711')/to_Item?$skiptoken=1",
    }
    rest = {"d": {"results": items[1:]}}
    player = Player([("GET", httpx.Response(200, content=msgspec.json.encode(one))) for one in (order, rest)])
    read = await erp(player).read_order("4711", deadline=soon())
    assert [item.item for item in read.items] == ["10", "20"]
    assert str(player.seen[1].url) == f"https://sap.example{ORDERS}/A_SalesOrder('4711')/to_Item?$skiptoken=1"


async def test_an_unknown_order_is_not_found() -> None:
    error = {"error": {"code": "/IWBEP/CM_MGW_RT/020", "message": {"lang": "en", "value": "not found"}}}
    player = Player([("GET", httpx.Response(404, json=error))])
    with pytest.raises(NotFoundInSystem) as met:
        await erp(player).read_order("999", deadline=soon())
    assert met.value.code == "/IWBEP/CM_MGW_RT/020"


async def test_the_version_alone_is_read() -> None:
    player = Player([("GET", json_answer("sap_version"))])
    assert await erp(player).read_version("4711", deadline=soon()) == ETAG
    assert "expand" not in str(player.seen[0].url)


async def test_an_order_is_found_by_reference_and_customer_only_if_the_reference_is_exactly_ours() -> None:
    order = msgspec.json.decode(tape("sap_order"))["d"]
    other = {**order, "SalesOrder": "4712", "PurchaseOrderByShipToParty": "OP_01"}
    first = {"d": {"results": [other], "__next": "A_SalesOrder?$skiptoken=2"}}
    player = Player(
        [("GET", httpx.Response(200, content=msgspec.json.encode(one))) for one in (first, {"d": {"results": [order]}})]
    )
    found = await erp(player).find_by_reference("op_01", "17100001", deadline=soon())
    assert [one.number for one in found] == ["4711"]
    query = unquote(player.seen[0].url.query.decode())
    assert "$filter=PurchaseOrderByShipToParty eq 'op_01' and SoldToParty eq '17100001'" in query


async def test_ping_wants_the_service_root() -> None:
    player = Player([("HEAD", httpx.Response(200)), ("HEAD", httpx.Response(404))])
    client = erp(player)
    await client.ping(deadline=soon())
    assert player.seen[0].url.path == f"{ORDERS}/"
    with pytest.raises(NotFoundInSystem):
        await client.ping(deadline=soon())
