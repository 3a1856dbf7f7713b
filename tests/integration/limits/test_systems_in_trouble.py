"""ERP, CRM, scheduler or issuer gone: who is served how, cell by cell (docs/operating/dependencies.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.cli.pair import access_token
from tests.integration.limits.gateways import Gateways, running_gateways
from tests.sandbox import RunningSandbox

GONE = "refuse"


@pytest.fixture
async def gateways(fresh_sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Gateways]:
    async with running_gateways(fresh_sandbox, tmp_path) as gateways:
        assert (await gateways.call("promise")).json()["status"] == "complete", "everything was there before"
        assert (await gateways.call("order")).status_code == 200
        yield gateways


async def inside(gateways: Gateways, path: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {gateways.tokens['operator']}"}
    return await gateways.http.get(f"{gateways.internal[0]}/internal/v1/systems/{path}", headers=headers)


async def test_without_the_erp(gateways: Gateways, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("sap", GONE)
    promise = await gateways.call("promise")
    assert promise.status_code in {200, 503}, "what the scheduler says alone, or that nobody answered"
    if promise.status_code == 200:
        assert promise.json()["status"] == "degraded"
        assert [line["status"] for line in promise.json()["lines"]] == ["unknown"]
    else:
        assert (promise.json()["code"], int(promise.headers["retry-after"]) > 0) == ("no-source-answered", True)
    assert (await gateways.call("read")).status_code == 200
    assert (await gateways.call("operation")).status_code == 202, "the ERP is asked later: the operation waits"
    told = await inside(gateways, f"erp/s4-1710/orders/{gateways.order}")
    assert told.status_code == 503
    await degraded(gateways, "s4-1710")


async def test_without_the_scheduler(gateways: Gateways, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("scheduler", GONE)
    assert (await gateways.call("promise")).status_code == 200
    assert (await gateways.call("read")).status_code == 200
    assert (await gateways.call("operation")).status_code == 202
    order = await gateways.call("order")
    assert order.status_code == 200
    assert "source-error" in {warning["code"] for warning in order.json()["warnings"]}, "with a gap that is named"
    assert (await inside(gateways, f"scheduler/aps-1710/commitments/{gateways.order}")).status_code == 503
    await degraded(gateways, "aps-1710")


async def test_without_the_crm(gateways: Gateways, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("salesforce", GONE)
    assert (await gateways.call("promise")).json()["status"] == "complete", "it has no part in promises"
    refused = await gateways.call("operation")
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (503, True)
    kept = await gateways.call("read")
    assert (kept.status_code, kept.json()["operations"]) == (200, []), "nothing was begun"
    order = await gateways.call("order")
    assert order.status_code == 200
    assert "source-error" in {warning["code"] for warning in order.json()["warnings"]}
    assert (await inside(gateways, f"crm/crm-main/quotes/{gateways.quote}")).status_code == 503
    await degraded(gateways, "crm-main")


async def test_without_the_issuer(fresh_sandbox: RunningSandbox, tmp_path: Path) -> None:
    async with running_gateways(fresh_sandbox, tmp_path) as gateways:
        assert (await gateways.call("read")).status_code == 200, "its keys were read"
        fresh = access_token(fresh_sandbox.urls["issuer"], "crm", "crm-sandbox-secret")
        fresh_sandbox.fault("issuer", "unavailable", path="/jwks")  # tokens are still to be had, their keys are not
        gateways.tokens["crm"] = fresh  # never seen before: verified with the keys that were read
        for kind, status in (("promise", 200), ("read", 200), ("operation", 202), ("order", 200), ("internal", 200)):
            assert (await gateways.call(kind)).status_code == status, kind
    (elsewhere := tmp_path / "elsewhere").mkdir()
    async with running_gateways(fresh_sandbox, elsewhere) as never_read:
        for kind in ("promise", "read", "operation", "order", "internal"):
            answer = await never_read.call(kind)
            assert (answer.status_code, answer.json()["code"]) == (503, "issuer-unavailable"), kind
            assert int(answer.headers["retry-after"]) > 0


async def degraded(gateways: Gateways, system: str) -> None:
    """Ready all the same: what goes on without that system must not leave rotation."""
    ready = await gateways.call("ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["neighbours"][system]["state"] == "down"
