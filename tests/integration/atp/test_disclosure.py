"""What the neighbours tell stays inside: canaries in all their answers are found in nothing that a partner reads."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import settings
from app.main import create_app
from app.outside import Outside
from app.server import address, listener, opened
from tests.integration.atp.canaries import MARK, Planting
from tests.integration.atp.counter import line
from tests.integration.internal_door.conftest import environment, token
from tests.sandbox import RunningSandbox

SECRETS = {"dealer-north": "north-sandbox-secret", "crm": "crm-sandbox-secret"}
ALL_SORTS = (
    line("1", "TG11", "40"),
    line("2", "TG12", "100"),
    line("3", "FG126", "50"),
    line("4", "TG14", "1"),
    line("5", "TG16", "3", quantity={"value": "3", "unit": "KGM"}),
    line("6", "FG226", "8"),
)
STOCK_LEVELS = ("1250.5", "1250", '"500"', '"6000"')
"""What lies at the plant of what is asked for; no quantity that was asked or confirmed looks like it."""


@asynccontextmanager
async def door(directory: Path, sandbox: RunningSandbox, wire: Planting) -> AsyncIterator[str]:
    app = create_app(settings.load(environment(directory, sandbox.urls)), Outside(transport=wire))
    internal, external = (listener(one, "127.0.0.1", 0, 1) for one in (app.internal, app.external))
    async with opened(internal), opened(external):
        yield address(external)


@asynccontextmanager
async def visitor(url: str, sandbox: RunningSandbox, client: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token(sandbox.urls, client, SECRETS[client])}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=20) as known:
        yield known


def read_by_the_caller(answer: httpx.Response) -> str:
    """Everything: status line, headers, body, and what is inside the promise token."""
    shown = f"{answer.headers}{answer.text}"
    promise = answer.json().get("promiseToken") if answer.status_code == 200 else None
    if promise:
        for part in promise.split(".")[:2]:
            shown += base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()
    return shown


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"purpose": "browse"},
        {"mode": "ctp", "confirmationRule": "complete"},
        {"mode": "atp", "allow": {"alternativePlants": True, "substitutes": True}},
    ],
)
async def test_a_partner_reads_no_canary(fresh_sandbox: RunningSandbox, tmp_path: Path, more: dict[str, Any]) -> None:
    wire = Planting()
    async with door(tmp_path, fresh_sandbox, wire) as url, visitor(url, fresh_sandbox, "dealer-north") as north:
        body = {"soldTo": {"id": "17100001"}, "lines": ALL_SORTS} | more
        answer = await north.post("/v1/atp-checks", json=body)
        events = await north.get("/v1/events")
    assert (answer.status_code, events.status_code) == (200, 200), answer.text
    assert wire.planted > 20
    shown = read_by_the_caller(answer) + read_by_the_caller(events)
    assert MARK not in shown
    assert not [level for level in STOCK_LEVELS if level in json.dumps(answer.json()["lines"])]
    assert "WC-" not in shown and "s4-1710" not in shown and "aps-1710" not in shown


async def test_an_insider_reads_some_of_them_so_that_they_were_really_there(
    fresh_sandbox: RunningSandbox, tmp_path: Path
) -> None:
    async with door(tmp_path, fresh_sandbox, Planting()) as url, visitor(url, fresh_sandbox, "crm") as crm:
        answer = await crm.post("/v1/atp-checks", json={"soldTo": {"id": "17100001"}, "lines": ALL_SORTS})
    assert "CANARY-workCentre" in answer.text
    assert "CANARY-message" in answer.text  # what SAP said of the discontinued item


async def test_an_error_tells_a_partner_nothing_of_the_neighbours(
    fresh_sandbox: RunningSandbox, tmp_path: Path
) -> None:
    fresh_sandbox.fault("sap", "serverError")
    async with door(tmp_path, fresh_sandbox, Planting()) as url, visitor(url, fresh_sandbox, "dealer-north") as north:
        answer = await north.post("/v1/atp-checks", json={"soldTo": {"id": "17100001"}, "lines": ALL_SORTS})
    assert answer.status_code == 503
    assert MARK not in read_by_the_caller(answer)
    assert "TIME_OUT" not in answer.text and "s4-1710" not in answer.text


async def test_what_became_of_a_conversion_tells_a_partner_nothing_either(
    fresh_sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """The events of a dealer's own conversion and change are there when they are read, and hold no canary."""
    wire = Planting(keeping=frozenset({"scenarioId"}))
    async with door(tmp_path, fresh_sandbox, wire) as url, visitor(url, fresh_sandbox, "dealer-north") as north:
        quote = fresh_sandbox.quote_id("Q-1001")
        made = await north.post(
            f"/v1/quotes/{quote}/order-conversions",
            json={"customerPo": "PO-C", "onLate": "accept"},
            headers={"Idempotency-Key": "canary-1", "Prefer": "wait=15"},
        )
        assert made.status_code == 201, made.text
        order = await north.get(f"/v1/orders/{made.json()['orderId']}")
        more = {"type": "increaseQuantity", "lineId": made.json()["lines"][2]["lineId"]}
        change = await north.post(
            f"/v1/orders/{made.json()['orderId']}/change-requests",
            json={"operations": [more | {"newQuantity": {"value": "60", "unit": "C62"}}]},
            headers={"Idempotency-Key": "canary-2", "If-Match": order.headers["etag"], "Prefer": "wait=15"},
        )
        assert change.status_code in (200, 201, 202), change.text
        events = await north.get("/v1/events")
    told = {event["type"] for event in events.json()["events"]}
    assert any("conversion" in one for one in told) and any("change" in one for one in told), told
    for answer in (made, order, change, events):
        shown = f"{answer.headers}{answer.text}"
        assert MARK not in shown, shown
        assert "WC-" not in shown and "aps-1710" not in shown
