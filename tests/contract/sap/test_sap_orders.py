"""The SAP client against payloads of the published contract: orders created, found, read and changed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import unquote

import httpx
import msgspec
import pytest

from system_apis.deadline import Deadline
from system_apis.errors import (
    CredentialsRefused,
    NotFoundInSystem,
    ObjectLocked,
    OutcomeUnknown,
    SystemRefused,
    UnreadableAnswer,
    VersionMoved,
)
from system_apis.sap.client import ORDERS, SapErp, connect
from system_apis.sap.models import (
    Confirmation,
    Demand,
    ItemChange,
    NewOrder,
    OrderPatch,
    SalesArea,
)
from tests.contract.tape import Answer, Player, json_answer, tape

AREA = SalesArea("1710", "10", "00")
DAY = date(2026, 11, 26)
ETAG = "W/\"datetimeoffset'2026-11-20T15%3A36%3A52.1234560Z'\""
LINE = Demand("a", "TG11", Decimal("40"), "C62", DAY, "1710")
NEW = NewOrder("op_01", "PO-9", AREA, "17100001", "17100001", DAY, (LINE,))


def soon() -> Deadline:
    return Deadline.after(5)


def erp(player: Player, **more: str) -> SapErp:
    return connect(
        instance="s4-1710",
        base_url="https://sap.example",
        user="SANDBOX",
        password="Welcome1",
        sap_client="100",
        settle_s=60,
        transport=player.transport,
        **more,
    )


def token(value: str = "T1", session: str = "S1") -> tuple[str, Answer]:
    headers = [
        ("x-csrf-token", value),
        ("set-cookie", f"SAP_SESSIONID_S4H_100={session}; path=/; secure; HttpOnly"),
        ("set-cookie", "sap-usercontext=sap-client=100; path=/"),
    ]
    return "HEAD", httpx.Response(200, headers=headers)


def required() -> httpx.Response:
    return httpx.Response(403, text="CSRF token validation failed", headers={"x-csrf-token": "Required"})


def batch(*parts: str, failed: bool = False) -> httpx.Response:
    http = "Content-Type: application/http\r\ncontent-transfer-encoding: binary\r\n\r\n{}\r\n"
    if failed:
        body = f"--o\r\n{http.format(parts[0])}--o--\r\n"
    else:
        inner = "".join(f"--i\r\n{http.format(part)}" for part in parts)
        body = f"--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n{inner}--i--\r\n\r\n--o--\r\n"
    return httpx.Response(202, content=body.encode(), headers={"Content-Type": "multipart/mixed; boundary=o"})


NO_CONTENT = "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


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


async def test_an_order_is_asked_with_expand_select_client_and_language() -> None:
    player = Player([("GET", json_answer("sap_order"))])
    await erp(player, reference_field="YY1_Ordergate_SDH").read_order("4711", deadline=soon())
    (request,) = player.seen
    query = unquote(request.url.query.decode())
    assert request.url.path == f"{ORDERS}/A_SalesOrder('4711')"
    assert "$expand=to_Item,to_Item/to_ScheduleLine&" in query
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


async def test_an_order_is_created_by_one_post_with_token_and_all_cookies() -> None:
    player = Player([token(), ("POST", json_answer("sap_created", 201)), ("GET", json_answer("sap_order"))])
    order = await erp(player).create_order(NEW, deadline=soon())
    assert order.items[0].confirmations, "the dates come from the order read after it was saved"
    (head,), (post,) = player.asked("HEAD"), player.asked("POST")
    assert head.headers["x-csrf-token"] == "Fetch"
    assert post.headers["x-csrf-token"] == "T1"
    assert set(post.headers["cookie"].split("; ")) == {"SAP_SESSIONID_S4H_100=S1", "sap-usercontext=sap-client=100"}
    assert msgspec.json.decode(post.content) == {
        "SalesOrderType": "OR",
        "SalesOrganization": "1710",
        "DistributionChannel": "10",
        "OrganizationDivision": "00",
        "SoldToParty": "17100001",
        "PurchaseOrderByCustomer": "PO-9",
        "PurchaseOrderByShipToParty": "op_01",
        "RequestedDeliveryDate": "/Date(1795651200000)/",
        "to_Item": [
            {
                "SalesOrderItem": "10",
                "Material": "TG11",
                "RequestedQuantity": "40",
                "RequestedQuantityUnit": "PC",
                "ProductionPlant": "1710",
            }
        ],
    }


async def test_a_created_order_is_told_even_if_it_can_not_be_read_again() -> None:
    down = [("GET", httpx.Response(400, text="no"))]
    player = Player([token(), ("POST", json_answer("sap_created", 201)), *down])
    order = await erp(player).create_order(NEW, deadline=soon())
    assert (order.number, order.credit, order.items[0].confirmations) == ("4711", "notChecked", ())


async def test_another_ship_to_is_a_partner_of_the_order() -> None:
    new = msgspec.structs.replace(NEW, ship_to="17100004")
    player = Player([token(), ("POST", json_answer("sap_created", 201)), ("GET", json_answer("sap_order"))])
    await erp(player).create_order(new, deadline=soon())
    body = msgspec.json.decode(player.asked("POST")[0].content)
    assert body["to_Partner"] == [{"PartnerFunction": "SH", "Customer": "17100004"}]


async def test_a_stale_token_is_fetched_anew_and_the_post_replayed_once() -> None:
    player = Player(
        [
            token(),
            ("POST", required()),
            token("T2", "S2"),
            ("POST", json_answer("sap_created", 201)),
            ("GET", json_answer("sap_order")),
        ]
    )
    await erp(player).create_order(NEW, deadline=soon())
    assert [post.headers["x-csrf-token"] for post in player.asked("POST")] == ["T1", "T2"]
    assert "SAP_SESSIONID_S4H_100=S2" in player.asked("POST")[1].headers["cookie"]


async def test_a_token_refused_twice_is_not_tried_a_third_time() -> None:
    player = Player([token(), ("POST", required()), token("T2"), ("POST", required())])
    with pytest.raises(CredentialsRefused):
        await erp(player).create_order(NEW, deadline=soon())
    assert len(player.asked("POST")) == 2


async def test_a_403_of_another_kind_is_never_replayed() -> None:
    player = Player([token(), ("POST", httpx.Response(403, text="no authorization"))])
    with pytest.raises(CredentialsRefused):
        await erp(player).create_order(NEW, deadline=soon())
    assert len(player.asked("POST")) == 1


async def test_a_token_may_come_with_an_error_or_only_by_get() -> None:
    by_get = ("GET", httpx.Response(405, headers={"x-csrf-token": "T9"}))
    created = ("POST", json_answer("sap_created", 201))
    player = Player([("HEAD", httpx.Response(501)), by_get, created, ("GET", json_answer("sap_order"))])
    await erp(player).create_order(NEW, deadline=soon())
    assert player.asked("POST")[0].headers["x-csrf-token"] == "T9"


async def test_a_created_order_that_can_not_be_understood_is_an_unknown_outcome() -> None:
    player = Player([token(), ("POST", httpx.Response(201, text="<html>"))])
    with pytest.raises(OutcomeUnknown):
        await erp(player).create_order(NEW, deadline=soon())


async def test_a_unit_without_counterpart_is_refused_before_any_call() -> None:
    player = Player([])
    line = msgspec.structs.replace(LINE, unit="H87")
    with pytest.raises(SystemRefused) as met:
        await erp(player).create_order(msgspec.structs.replace(NEW, lines=(line,)), deadline=soon())
    assert met.value.code == "UNIT_UNKNOWN"
    assert player.seen == []


PATCH = OrderPatch(
    "4711",
    ETAG,
    items=(
        ItemChange("10", quantity=Decimal("55.5"), unit="C62", requested_date=date(2026, 12, 3), schedule_line="2"),
        ItemChange("20", reject="61"),
    ),
    added=(Demand("n", "TG12", Decimal(3), "C62", DAY, "1710"),),
)


async def test_a_change_is_one_changeset_whose_first_part_is_the_guarded_header() -> None:
    player = Player([token(), ("GET", json_answer("sap_version")), ("POST", batch(*[NO_CONTENT] * 4, NO_CONTENT))])
    await erp(player).change_order(PATCH, deadline=soon())
    (post,) = player.asked("POST")
    assert post.url.path == f"{ORDERS}/$batch"
    assert post.headers["content-type"].startswith("multipart/mixed; boundary=batch_")
    parts = post.content.decode().split("Content-ID: ")[1:]
    lines = [part.split("\r\n\r\n", 2)[1].split("\r\n")[0] for part in parts]
    assert lines == [
        "PATCH A_SalesOrder('4711') HTTP/1.1",
        "PATCH A_SalesOrderItem(SalesOrder='4711',SalesOrderItem='10') HTTP/1.1",
        "PATCH A_SalesOrderScheduleLine(SalesOrder='4711',SalesOrderItem='10',ScheduleLine='2') HTTP/1.1",
        "PATCH A_SalesOrderItem(SalesOrder='4711',SalesOrderItem='20') HTTP/1.1",
        "POST A_SalesOrder('4711')/to_Item HTTP/1.1",
    ]
    assert f"If-Match: {ETAG}\r\n" in parts[0]
    assert '{"PurchaseOrderByCustomer":"PO-9"}' in parts[0], "re-sent as it stands: nothing changes"
    assert "If-Match" not in "".join(parts[1:])
    assert '{"RequestedQuantity":"55.5","RequestedQuantityUnit":"PC"}' in parts[1]
    assert '{"RequestedDeliveryDate":"/Date(1796256000000)/"}' in parts[2]
    assert '{"SalesDocumentRjcnReason":"61"}' in parts[3]
    assert '"Material":"TG12"' in parts[4]
    assert "SalesOrderItem" not in parts[4].split("\r\n\r\n")[2], "SAP numbers an added item"


async def test_a_new_header_date_needs_no_read_before() -> None:
    player = Player([token(), ("POST", batch(NO_CONTENT))])
    patch = OrderPatch("4711", ETAG, items=(), requested_date=date(2026, 12, 3))
    await erp(player).change_order(patch, deadline=soon())
    assert b'{"RequestedDeliveryDate":"/Date(1796256000000)/"}' in player.asked("POST")[0].content


async def test_an_order_that_moved_is_not_written_to() -> None:
    player = Player([("GET", json_answer("sap_version"))])
    with pytest.raises(VersionMoved):
        await erp(player).change_order(msgspec.structs.replace(PATCH, etag='W/"old"'), deadline=soon())
    assert player.asked("POST") == []


def refused_part(status: str, code: str, text: str) -> str:
    body = msgspec.json.encode({"error": {"code": code, "message": {"lang": "en", "value": text}}}).decode()
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n\r\n{body}"


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (refused_part("412 Precondition Failed", "/IWBEP/CM_MGW_RT/190", "changed"), VersionMoved),
        (refused_part("400 Bad Request", "VL/045", "currently being processed by user X"), ObjectLocked),
        (refused_part("400 Bad Request", "V1/520", "quantity below delivered"), SystemRefused),
        ("HTTP/1.1 500 Internal Server Error\r\n\r\n<html>", OutcomeUnknown),
    ],
)
async def test_a_failed_changeset_has_one_reason(part: str, kind: type[Exception]) -> None:
    player = Player([token(), ("GET", json_answer("sap_version")), ("POST", batch(part, failed=True))])
    with pytest.raises(kind) as met:
        await erp(player).change_order(PATCH, deadline=soon())
    assert type(met.value) is kind


@pytest.mark.parametrize("answer", [batch(NO_CONTENT), httpx.Response(202, json={})])
async def test_a_batch_answer_that_does_not_fit_is_an_unknown_outcome(answer: httpx.Response) -> None:
    player = Player([token(), ("GET", json_answer("sap_version")), ("POST", answer)])
    with pytest.raises(OutcomeUnknown):
        await erp(player).change_order(PATCH, deadline=soon())


async def test_ping_wants_the_service_root() -> None:
    player = Player([("HEAD", httpx.Response(200)), ("HEAD", httpx.Response(404))])
    client = erp(player)
    await client.ping(deadline=soon())
    assert player.seen[0].url.path == f"{ORDERS}/"
    with pytest.raises(NotFoundInSystem):
        await client.ping(deadline=soon())
