"""The internal door: ready or not and why, metrics; and none of it outside."""

from __future__ import annotations

import httpx
import pytest

from tests.integration.app.conftest import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def inside(served: Served, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=served.internal, trust_env=False, timeout=20) as client:
        return await client.get(path)


async def test_it_starts_with_every_system_down_and_says_so(served: Served) -> None:
    answer = await inside(served, "/readyz")
    said = answer.json()
    assert (answer.status_code, said["status"], said["store"]) == (200, "degraded", {"state": "up", "reason": None})
    down = {"state": "down", "reason": "SystemUnavailable"}
    for name in ("s4-1710", "crm-main", "aps-1710"):
        assert said["neighbours"][name] == down
    assert said["neighbours"]["http://issuer.example"]["state"] == "up"


async def test_calls_and_questions_are_counted(served: Served, caller: httpx.AsyncClient) -> None:
    await caller.get("/v1/events")
    await inside(served, "/readyz")
    text = (await inside(served, "/metrics")).text
    assert 'ordergate_call_seconds_count{method="GET",route="/v1/events",status="200"}' in text
    assert 'ordergate_route_uses_total{client="dealer-north",route="/v1/events"}' in text
    assert 'instance="s4-1710",operation="ping",outcome="SystemUnavailable",system="sap"' in text


async def test_both_doors_are_alive(served: Served, nobody: httpx.AsyncClient) -> None:
    assert (await inside(served, "/livez")).json() == (await nobody.get("/livez")).json() == {"status": "alive"}


async def test_nothing_public_is_inside(served: Served) -> None:
    assert (await inside(served, "/v1/events")).status_code == 404
