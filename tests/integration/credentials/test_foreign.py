"""What is another dealer's does not exist: every id in path, body, list and cursor, before the real sandbox.

An unknown and a foreign id get the same answer but for instance and ids, after the same calls to the neighbours: who
guesses ids learns nothing, not even by listening to what his guess sets off.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.integration.internal_door.conftest import environment, gateway, token
from tests.sandbox import RunningSandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNKNOWN_QUOTE = "0Q0Hp0000009999KAA"
UNKNOWN_OPERATION, UNKNOWN_CHANGE = "op_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8", "ocr_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8"
OF_THIS_CALL = ("instance", "traceId", "correlationId")
CHANGE = {"operations": [{"type": "increaseQuantity", "lineId": "10", "newQuantity": {"value": "9", "unit": "C62"}}]}


@dataclass(frozen=True)
class Dealers:
    """The dealer who has something, the one who guesses, and what there is."""

    north: httpx.AsyncClient
    south: httpx.AsyncClient
    sandbox: RunningSandbox
    quote_id: str
    operation: dict[str, Any]
    change: dict[str, Any]
    order_etag: str

    @property
    def order_id(self) -> str:
        return str(self.operation["orderId"])


async def post(client: httpx.AsyncClient, path: str, body: Any, **headers: str) -> httpx.Response:
    return await client.post(path, json=body, headers={"Idempotency-Key": str(uuid.uuid4()), **headers})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def dealers(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Dealers]:
    sandbox.reset()
    async with AsyncExitStack() as stack:
        doors = await stack.enter_async_context(gateway(environment(tmp_path_factory.mktemp("foreign"), sandbox.urls)))
        north, south = [
            await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=doors.external,
                    headers={"Authorization": f"Bearer {token(sandbox.urls, client_id, secret)}"},
                    trust_env=False,
                    timeout=40,
                )
            )
            for client_id, secret in (
                ("dealer-north", "north-sandbox-secret"),
                ("dealer-south", "south-sandbox-secret"),
            )
        ]
        quote_id = sandbox.quote_id("Q-1010")
        path = f"/v1/quotes/{quote_id}/order-conversions"
        made = (await post(north, path, {"customerPo": "PO-1"}, Prefer="wait=20")).json()
        order = await north.get(f"/v1/orders/{made['orderId']}")
        etag = order.headers["etag"]
        asked = await post(north, f"/v1/orders/{made['orderId']}/change-requests", CHANGE, **{"If-Match": etag})
        assert asked.status_code == 201, asked.text
        yield Dealers(north, south, sandbox, quote_id, made, asked.json(), etag)


async def refused(dealers: Dealers, method: str, path: str, body: Any) -> tuple[int, dict[str, Any], Counter[str]]:
    """The answer to the dealer who guesses, without what belongs to this call alone, and the calls it set off."""
    seen = len(dealers.sandbox.journal())
    headers = {"Idempotency-Key": str(uuid.uuid4()), "If-Match": dealers.order_etag}
    content = None if body is None else json.dumps(body)
    if content:
        headers["content-type"] = "application/json"
    answer = await dealers.south.request(method, path, content=content, headers=headers)
    told = {name: value for name, value in answer.json().items() if name not in OF_THIS_CALL}
    calls = Counter(f"{each['system']} {each['method']}" for each in dealers.sandbox.journal()[seen:])
    return answer.status_code, told, calls


def paths(dealers: Dealers) -> list[tuple[str, str, str, Any]]:
    """Method, the foreign path, the unknown one, body."""
    operation, change = dealers.operation["operationId"], dealers.change["changeRequestId"]
    order, no_order = f"/v1/orders/{dealers.order_id}", "/v1/orders/s4-1710.999999"
    decision = {"decision": "accept"}
    return [
        ("GET", f"/v1/operations/{operation}", f"/v1/operations/{UNKNOWN_OPERATION}", None),
        ("POST", f"/v1/operations/{operation}/decision", f"/v1/operations/{UNKNOWN_OPERATION}/decision", decision),
        ("POST", f"/v1/operations/{operation}/cancel", f"/v1/operations/{UNKNOWN_OPERATION}/cancel", None),
        (
            "POST",
            f"/v1/quotes/{dealers.quote_id}/order-conversions",
            f"/v1/quotes/{UNKNOWN_QUOTE}/order-conversions",
            {"customerPo": "PO-2"},
        ),
        ("GET", order, no_order, None),
        ("POST", f"{order}/change-requests", f"{no_order}/change-requests", CHANGE),
        ("GET", f"{order}/change-requests/{change}", f"{order}/change-requests/{UNKNOWN_CHANGE}", None),
        ("GET", f"{order}/change-requests/{change}", f"{no_order}/change-requests/{change}", None),
        (
            "POST",
            f"{order}/change-requests/{change}/decision",
            f"{order}/change-requests/{UNKNOWN_CHANGE}/decision",
            decision,
        ),
    ]


async def test_every_foreign_id_in_a_path_reads_like_an_unknown_one(dealers: Dealers) -> None:
    for method, foreign, unknown, body in paths(dealers):
        first, second = await refused(dealers, method, foreign, body), await refused(dealers, method, unknown, body)
        assert first[0] == 404, (foreign, first)
        assert first[1]["code"] == "not-found"
        assert first == second, (method, foreign)


def check(**changes: Any) -> dict[str, Any]:
    wanted = {
        "lineId": "1",
        "product": {"id": "TG11"},
        "quantity": {"value": "1", "unit": "C62"},
        "requestedDate": (datetime.now(UTC).date() + timedelta(days=5)).isoformat(),
    }
    line = wanted | changes.pop("line", {})
    return {"soldTo": {"id": "17100002"}, "lines": [line], **changes}


def area(sales_organization: str) -> dict[str, str]:
    return {"salesOrganization": sales_organization, "distributionChannel": "10", "division": "00"}


async def test_every_foreign_id_in_a_body_reads_like_an_unknown_one_and_asks_nobody(dealers: Dealers) -> None:
    inline = {"currency": "USD", "customerPo": "PO-3"}
    pairs = [
        ("/v1/atp-checks", check(soldTo={"id": "17100001"}), check(soldTo={"id": "99999999"})),
        ("/v1/atp-checks", check(line={"plant": "1730"}), check(line={"plant": "9999"})),
        ("/v1/atp-checks", check(salesArea=area("1720")), check(salesArea=area("9999"))),
        (
            "/v1/order-conversions",
            inline | check(soldTo={"id": "17100001"}),
            inline | check(soldTo={"id": "99999999"}),
        ),
        ("/v1/order-conversions", inline | check(line={"plant": "1730"}), inline | check(line={"plant": "9999"})),
    ]
    for path, foreign, unknown in pairs:
        first, second = await refused(dealers, "POST", path, foreign), await refused(dealers, "POST", path, unknown)
        assert (first[0], first[2]) == (404, Counter()), first
        assert first == second


async def test_lists_and_events_hold_nothing_of_another_dealer(dealers: Dealers) -> None:
    for path, member in (("/v1/operations", "operations"), ("/v1/events", "events")):
        assert (await dealers.south.get(path)).json()[member] == []
        assert len((await dealers.north.get(path)).json()[member]) > 0


async def test_a_cursor_and_an_event_of_another_dealer_open_nothing(dealers: Dealers) -> None:
    """North makes a second operation, so that its list has a next page."""
    second = dealers.sandbox.quote_id("Q-1011")
    await post(dealers.north, f"/v1/quotes/{second}/order-conversions", {"customerPo": "PO-4"}, Prefer="wait=20")
    page = (await dealers.north.get("/v1/operations?limit=1")).json()
    assert (await dealers.north.get(f"/v1/operations?limit=1&cursor={page['next']}")).status_code == 200
    stolen = await dealers.south.get(f"/v1/operations?limit=1&cursor={page['next']}")
    assert (stolen.status_code, stolen.json()["errors"][0]["code"]) == (422, "cursor-invalid")
    event = (await dealers.north.get("/v1/events?limit=1")).json()["next"]
    guessed = await dealers.south.get(f"/v1/events?after={event}")
    assert (guessed.status_code, guessed.json()["errors"][0]["code"]) == (422, "unknown-event")


async def test_another_dealers_idempotency_key_replays_nothing(dealers: Dealers) -> None:
    """The same key, route and body of another client is another wish: it meets the 404 of the foreign quote."""
    path, body = f"/v1/quotes/{dealers.quote_id}/order-conversions", {"customerPo": "PO-5"}
    mine = await post(dealers.north, path, body, **{"Idempotency-Key": "shared"})
    theirs = await post(dealers.south, path, body, **{"Idempotency-Key": "shared"})
    assert mine.status_code != 404
    assert theirs.status_code == 404
    assert "idempotency-replayed" not in theirs.headers


async def test_a_promise_made_to_another_is_no_evidence(dealers: Dealers) -> None:
    promised = (await dealers.north.post("/v1/atp-checks", json=check(soldTo={"id": "17100001"}))).json()
    quote = dealers.sandbox.quote_id("Q-1002")
    body = {"customerPo": "PO-6", "promiseToken": promised["promiseToken"]}
    answer = await post(dealers.south, f"/v1/quotes/{quote}/order-conversions", body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "promise-token-invalid")


async def test_guesses_at_the_same_time_all_hear_the_same(dealers: Dealers) -> None:
    """Concurrent guesses of one foreign order: no answer ever differs, so no race lets one through."""
    answers = await asyncio.gather(*(dealers.south.get(f"/v1/orders/{dealers.order_id}") for _ in range(8)))
    assert {(each.status_code, each.json()["code"]) for each in answers} == {(404, "not-found")}
