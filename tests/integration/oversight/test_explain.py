"""Why a call was refused: the policy that decided and its facts, for each refusal an operator is asked about."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.integration.oversight.conftest import House

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]
CHECK = {"soldTo": {"id": "17100001"}, "lines": []}
Call = Callable[[House], Awaitable[httpx.Response]]


async def explained(house: House, refused: httpx.Response) -> dict[str, Any]:
    instance = refused.json()["instance"]
    assert refused.headers["x-request-id"] == instance
    answer = await house.inside().get(f"/internal/v1/explanations/{instance}")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["code"]) == (refused.status_code, refused.json()["code"])
    return dict(answer.json())


async def order_path(house: House) -> str:
    return f"/v1/orders/{(await house.convert('Q-1014')).json()['orderId']}"


async def no_token(house: House) -> httpx.Response:
    async with httpx.AsyncClient(base_url=house.doors.external, trust_env=False) as nobody:
        return await nobody.get("/v1/events", headers={"Authorization": "Basic bm9ydGg6c2VjcmV0"})


async def forged_token(house: House) -> httpx.Response:
    async with httpx.AsyncClient(base_url=house.doors.external, trust_env=False) as nobody:
        return await nobody.get("/v1/events", headers={"Authorization": "Bearer aaaa.bbbb.cccc"})


async def without_the_scope(house: House) -> httpx.Response:
    return await house.at("viewer").get("/v1/events")


async def foreign_order(house: House) -> httpx.Response:
    return await house.at("dealer-south").get(await order_path(house))


async def unknown_order(house: House) -> httpx.Response:
    return await house.at("dealer-south").get("/v1/orders/s4-1710.99999999")


async def converted_twice(house: House) -> httpx.Response:
    await house.convert("Q-1015")
    return await house.convert("Q-1015", quoteVersion="1")


async def stale(house: House) -> httpx.Response:
    headers = {"Idempotency-Key": "stale", "If-Match": '"an old one"'}
    body = {"operations": [{"type": "cancelOrder"}]}
    return await house.at().post(f"{await order_path(house)}/change-requests", json=body, headers=headers)


async def other_payload(house: House) -> httpx.Response:
    await house.convert("Q-1016")
    path = f"/v1/quotes/{house.sandbox.quote_id('Q-1016')}/order-conversions"
    body = {"customerPo": "another"}
    return await house.at().post(path, json=body, headers={"Idempotency-Key": "key-Q-1016-"})


async def faulty(house: House) -> httpx.Response:
    path = f"/v1/quotes/{house.sandbox.quote_id('Q-1017')}/order-conversions"
    body = {"customerPo": "P", "lines": [{"lineId": "nowhere"}]}
    return await house.at().post(path, json=body, headers={"Idempotency-Key": "faulty"})


async def over_the_limit(house: House) -> httpx.Response:
    line = {"lineId": "1", "product": {"id": "TG11"}, "quantity": {"value": "1", "unit": "C62"}}
    body = {"soldTo": {"id": "17100001"}, "lines": [{**line, "requestedDate": "2027-01-04"}]}
    for _ in range(8):
        answer = await house.at("trickle").post("/v1/atp-checks", json=body)
        if answer.status_code == 429:
            return answer
    raise AssertionError("the limit was never spent")


CASES: dict[str, tuple[Call, str, dict[str, Any]]] = {
    "401 nobody": (no_token, "authentication", {"authorizationHeaders": 1, "schemes": ["Basic"]}),
    "401 forged": (forged_token, "authentication", {}),
    "403": (without_the_scope, "access: scopes", {"scope": "orders:read", "hadScopes": ["atp:read"]}),
    "404 foreign": (foreign_order, "access: whose it is", {"kind": "order", "clientSpeaksFor": ["17100002"]}),
    "404 unknown": (unknown_order, "the process behind the route", {"kind": "order", "ident": "s4-1710.99999999"}),
    "409": (converted_twice, "the process behind the route", {}),
    "412": (stale, "the process behind the route", {"kind": "order", "seenEtag": '"an old one"'}),
    "422 key": (other_payload, "idempotency", {"idempotencyKey": "key-Q-1016-"}),
    "422 faults": (faulty, "the process behind the route", {}),
    "429": (over_the_limit, "limits", {"violated": ["default"]}),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_refusal_is_explained(house: House, case: str) -> None:
    call, decider, facts = CASES[case]
    refused = await call(house)
    assert str(refused.status_code) == case[:3]
    found = await explained(house, refused)
    assert found["decidedBy"] == decider
    assert facts.items() <= found["facts"].items()
    assert found["remedy"]
    assert found["process"]
    assert (found["clientId"] is None) == case.startswith("401")


async def test_no_secret_and_no_foreign_customer_is_in_an_explanation(house: House) -> None:
    for case in ("401 nobody", "401 forged", "404 foreign"):
        refused = await CASES[case][0](house)
        found = await house.inside().get(f"/internal/v1/explanations/{refused.json()['instance']}")
        assert "bm9ydGg6c2VjcmV0" not in found.text
        assert "aaaa.bbbb" not in found.text
        assert "17100001" not in found.text


async def test_a_limits_standing_and_the_faults_are_told(house: House) -> None:
    spent = await explained(house, await over_the_limit(house))
    assert '"default";q=3;w=60' in spent["facts"]["limits"]
    assert '"default";r=0' in spent["facts"]["standing"]
    wrong = await explained(house, await faulty(house))
    assert wrong["facts"]["faults"][0]["pointer"] == "#/lines/0/lineId"


async def test_the_command_line_tells_it_and_says_where_else_to_ask(house: House) -> None:
    told = house.told("operator")
    instance = (await without_the_scope(house)).json()["instance"]
    shown = await asyncio.to_thread(told, "explain", instance.removeprefix("urn:uuid:"))
    assert (shown.exit_code, "access: scopes" in shown.output, '["atp:read"]' in shown.output) == (0, True, True)
    unknown = "urn:uuid:6f1ed002-ab55-4f0e-8a29-0c1c0d1b7a10"
    gone = await asyncio.to_thread(told, "explain", unknown, "--also", house.doors.internal)
    assert (gone.exit_code, "--also" in gone.output) == (1, True)


async def test_another_replica_is_asked_too(house: House) -> None:
    """The refusal is known at the second door only; the first says that it is not its own."""
    told = house.told("operator")
    instance = (await without_the_scope(house)).json()["instance"]

    async def forgetful(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"code":"not-found","title":"Not found","detail":"-"}'
        head = f"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(forgetful, "127.0.0.1", 0)
    async with server:
        first = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        words = ("explain", instance, "--url", first, "--also", house.doors.internal)
        shown = await asyncio.to_thread(told, *words)
    assert (shown.exit_code, "access: scopes" in shown.output) == (0, True)
