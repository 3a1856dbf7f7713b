"""How the SAP client enters, and what it sends so that a create may be repeated."""

from __future__ import annotations

import logging
from base64 import b64encode
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import msgspec
import pytest

from system_apis.errors import CredentialsRefused, OutcomeUnknown
from system_apis.sap.access import ClientSecret, Password
from system_apis.sap.models import Demand, NewOrder
from tests.contract.sap.answers import AREA, DAY, erp, soon, token
from tests.contract.tape import Player, json_answer

LINE = Demand("a", "TG11", Decimal(40), "C62", DAY, "1710")
BEGUN = datetime(2026, 11, 20, 12, 0, 1, tzinfo=UTC)
NEW = NewOrder("op_01", "PO-9", AREA, "17100001", "17100001", DAY, (LINE,), BEGUN)
CLIENT = ClientSecret("https://login.example/oauth/token?x=1", "gateway", "s3cret", "API_SALES_ORDER_SRV_0001")


def issued(value: str) -> httpx.Response:
    return httpx.Response(200, json={"access_token": value, "token_type": "Bearer", "expires_in": 3600})


async def test_an_oauth_client_brings_a_token_and_renews_it_once() -> None:
    shown: list[str] = []

    def sap(request: httpx.Request) -> httpx.Response:
        shown.append(request.headers["authorization"])
        return json_answer("sap_order") if shown[-1] == "Bearer t2" else httpx.Response(401)

    player = Player([("POST", issued("t1")), ("GET", sap), ("POST", issued("t2")), ("GET", sap)])
    assert (await erp(player, access=CLIENT).read_order("4711", deadline=soon())).number == "4711"
    assert shown == ["Bearer t1", "Bearer t2"]
    first = player.asked("POST")[0]
    assert str(first.url) == "https://login.example/oauth/token?x=1"
    assert b"scope=API_SALES_ORDER_SRV_0001" in first.content
    assert first.headers["authorization"] == f"Basic {b64encode(b'gateway:s3cret').decode()}"


async def test_a_second_401_calls_for_an_operator() -> None:
    refused = [("GET", httpx.Response(401))] * 2
    player = Player([("POST", issued("t1")), ("POST", issued("t2")), *refused])
    with pytest.raises(CredentialsRefused):
        await erp(player, access=CLIENT).read_order("4711", deadline=soon())


async def test_with_a_certificate_requests_carry_no_credentials() -> None:
    player = Player([("GET", json_answer("sap_order"))])
    await erp(player, access=None).read_order("4711", deadline=soon())
    assert "authorization" not in player.seen[0].headers


def test_no_secret_shows_in_a_repr() -> None:
    assert "s3cret" not in repr((CLIENT, Password("u", "s3cret")))


def created(**headers: str) -> list[tuple[str, httpx.Response]]:
    return [("POST", json_answer("sap_created", 201, **headers)), ("GET", json_answer("sap_order"))]


async def test_a_repeatable_create_is_known_by_the_same_id_at_every_attempt() -> None:
    player = Player([token(), *created(RepeatabilityResult="accepted"), *created(RepeatabilityResult="accepted")])
    client = erp(player, repeatable=True)
    assert client.repeatability == "untried"
    for _ in range(2):
        await client.create_order(NEW, deadline=soon())
    first, second = player.asked("POST")
    assert first.headers["requestid"] == second.headers["requestid"]
    assert len(first.headers["requestid"]) == 32
    assert first.headers["repeatabilitycreation"] == "2026-11-20T12:00:01"
    assert client.repeatability == "accepted"
    other = Player([token(), *created()])
    await erp(other, repeatable=True).create_order(msgspec.structs.replace(NEW, reference="op_02"), deadline=soon())
    assert other.asked("POST")[0].headers["requestid"] != first.headers["requestid"]


@pytest.mark.parametrize("headers", [{}, {"RepeatabilityResult": "unsupported"}])
async def test_an_instance_that_keeps_nothing_repeatable_is_noticed(
    headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    client = erp(Player([token(), *created(**headers)]), repeatable=True)
    with caplog.at_level(logging.WARNING):
        await client.create_order(NEW, deadline=soon())
    assert client.repeatability == "unsupported"
    assert "does not keep requests repeatable" in caplog.text


async def test_nothing_is_sent_about_it_unless_the_instance_declares_it() -> None:
    player = Player([token(), *created()])
    client = erp(player)
    await client.create_order(NEW, deadline=soon())
    assert "requestid" not in player.asked("POST")[0].headers
    assert client.repeatability == "off"


async def test_a_create_that_was_done_long_ago_is_to_be_looked_up_and_is_no_refusal() -> None:
    error = {"error": {"code": "/IWBEP/CM_COS/005", "message": {"lang": "en", "value": "RequestID is outdated"}}}
    player = Player([token(), ("POST", httpx.Response(400, json=error))])
    with pytest.raises(OutcomeUnknown):
        await erp(player, repeatable=True).create_order(NEW, deadline=soon())
