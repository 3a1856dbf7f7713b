"""The SAP client against payloads of the published contract: orders created, once."""

from __future__ import annotations

import httpx
import msgspec
import pytest

from system_apis.errors import (
    CredentialsRefused,
    OutcomeUnknown,
    OwnerViolation,
    SystemRefused,
)
from system_apis.sap.models import (
    Predecessor,
)
from tests.contract.sap.answers import (
    LINE,
    NEW,
    SAID,
    WARNING,
    erp,
    soon,
    token,
)
from tests.contract.tape import Player, json_answer


def required() -> httpx.Response:
    return httpx.Response(403, text="CSRF token validation failed", headers={"x-csrf-token": "Required"})


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


@pytest.mark.parametrize("again", [json_answer("sap_order"), httpx.Response(400, text="no")])
async def test_what_sap_says_beside_a_created_order_is_kept(again: httpx.Response) -> None:
    created = json_answer("sap_created", 201, **{"sap-message": WARNING})
    player = Player([token(), ("POST", created), ("GET", again)])
    assert (await erp(player).create_order(NEW, deadline=soon())).warnings == SAID


async def test_another_ship_to_is_a_partner_of_the_order() -> None:
    new = msgspec.structs.replace(NEW, ship_to="17100004")
    player = Player([token(), ("POST", json_answer("sap_created", 201)), ("GET", json_answer("sap_order"))])
    await erp(player).create_order(new, deadline=soon())
    body = msgspec.json.decode(player.asked("POST")[0].content)
    assert body["to_Partner"] == [{"PartnerFunction": "SH", "Customer": "17100004"}]


async def test_an_order_that_follows_a_quotation_names_it_at_header_and_item() -> None:
    configured = msgspec.structs.replace(LINE, follows=Predecessor("20000001", "10"))
    player = Player([token(), ("POST", json_answer("sap_created", 201)), ("GET", json_answer("sap_order"))])
    await erp(player).create_order(msgspec.structs.replace(NEW, lines=(configured,)), deadline=soon())
    body = msgspec.json.decode(player.asked("POST")[0].content)
    assert body["ReferenceSDDocument"] == body["to_Item"][0]["ReferenceSDDocument"] == "20000001"
    assert body["to_Item"][0]["ReferenceSDDocumentItem"] == "10"


async def test_a_reference_field_that_belongs_to_the_erp_is_not_written() -> None:
    player = Player([])
    with pytest.raises(OwnerViolation):
        await erp(player, reference_field="AssignmentReference").create_order(NEW, deadline=soon())
    assert player.seen == []


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


async def test_a_cookie_that_no_header_holds_costs_neither_the_answer_nor_the_other_cookies() -> None:
    made = json_answer("sap_created", 201)
    set_cookie = (b"set-cookie", "who=J\u00fcrgen \u20ac; path=/".encode())
    odd = httpx.Response(201, content=made.content, headers=[*made.headers.raw, set_cookie])
    player = Player([token(), *[("POST", odd), ("GET", json_answer("sap_order"))] * 2])
    sap = erp(player)
    for _ in range(2):
        await sap.create_order(NEW, deadline=soon())
    assert "SAP_SESSIONID_S4H_100=S1" in player.asked("POST")[1].headers["cookie"]
    assert "who" not in player.asked("POST")[1].headers["cookie"]
