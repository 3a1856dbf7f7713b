"""Who comes in at the internal door, that nothing of it is outside, and what it shows of a system in trouble."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from app import contract, settings
from app.internal_routes import INTERNAL
from app.route import Route
from tests.integration.internal_door.conftest import Doors, environment, gateway, visitor
from tests.sandbox import RunningSandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")

SYSTEMS = "/internal/v1/systems"
CALLS = [pytest.param(each.method, re.sub(r"\{\w+\}", "1", each.path), id=each.operation_id) for each in INTERNAL]


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_nothing_internal_is_reachable_at_the_external_door(
    doors: Doors, sandbox: RunningSandbox, method: str, path: str
) -> None:
    async with visitor(doors.external, sandbox.urls) as operator:
        answer = await operator.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "route-unknown")


@pytest.mark.parametrize("path", ["/openapi/internal-v1.json", "/readyz", "/metrics"])
async def test_nor_are_its_pages(doors: Doors, path: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as nobody:
        assert (await nobody.get(doors.external + path)).status_code == 404
        assert (await nobody.get(doors.internal + path)).status_code == 200


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_a_stranger_is_asked_who_he_is(doors: Doors, method: str, path: str) -> None:
    async with httpx.AsyncClient(base_url=doors.internal, trust_env=False) as nobody:
        answer = await nobody.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (401, "credentials-missing")


@pytest.mark.parametrize("route", INTERNAL, ids=lambda route: route.operation_id)
async def test_a_client_without_the_scope_stays_outside(doors: Doors, sandbox: RunningSandbox, route: Route) -> None:
    async with visitor(doors.internal, sandbox.urls, "crm") as crm:
        answer = await crm.request(route.method, re.sub(r"\{\w+\}", "1", route.path))
    assert (answer.status_code, answer.json()["scope"]) == (403, route.sheet.scope)
    assert route.sheet.scope.startswith("ops:")


async def test_a_client_that_is_no_operator_stays_outside_with_the_scope_too(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    shipped = settings.SANDBOX_FILE.read_text()
    assert 'kind = "operator"' in shipped
    config = tmp_path / "careless.toml"
    config.write_text(re.sub(r"roles = .*\n", "", shipped.replace('kind = "operator"', 'kind = "service"')))
    env = environment(tmp_path, sandbox.urls, ORDERGATE_CONFIG=str(config))
    async with gateway(env) as doors, visitor(doors.internal, sandbox.urls) as careless:
        answers = [
            await careless.request(each.method, re.sub(r"\{\w+\}", "1", each.path))
            for each in INTERNAL
            if each.sheet.scope in ("ops:read", "ops:write")  # those of the token
        ]
    assert {(each.status_code, each.json()["code"]) for each in answers} == {(403, "client-kind-refused")}


async def test_the_document_of_the_internal_door_is_served_there(doors: Doors) -> None:
    async with httpx.AsyncClient(base_url=doors.internal, trust_env=False) as nobody:
        assert (await nobody.get("/openapi/internal-v1.json")).text == contract.internal_text()


async def test_limits_count_here_too(operator: httpx.AsyncClient) -> None:
    assert "ratelimit" in (await operator.get(SYSTEMS)).headers


async def test_a_system_in_trouble_is_down_and_the_others_are_up(fresh_sandbox: RunningSandbox, tmp_path: Path) -> None:
    urls = {**fresh_sandbox.urls, "scheduler": "http://127.0.0.1:9"}
    async with gateway(environment(tmp_path, urls)) as doors, visitor(doors.internal, urls) as operator:
        states = {each["instance"]: each for each in (await operator.get(SYSTEMS)).json()["systems"]}
        again = {each["instance"]: each for each in (await operator.get(SYSTEMS)).json()["systems"]}
        read = await operator.get(f"{SYSTEMS}/scheduler/aps-1710/commitments/1")
    assert {name: each["state"] for name, each in states.items()} == {
        "s4-1710": "up",
        "crm-main": "up",
        "aps-1710": "down",
    }
    assert states["aps-1710"]["reason"] == "SystemUnavailable"
    assert again["aps-1710"]["lastError"]["operation"] == "ping"
    assert again["aps-1710"]["lastError"]["failure"] == "SystemUnavailable"
    assert again["aps-1710"]["lastAnswerAt"] is None
    assert (read.status_code, read.json()["code"]) == (503, "system-unavailable")
