"""Forgetting at a gateway's doors: nothing is ordered twice, the monitor knows nothing, operators see what went."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import make_engine, migrate
from process_apis.tables import converted_lines, operation_steps, operations
from tests.integration.idempotency.conftest import Town, town  # noqa: F401  a fixture
from tests.integration.internal_door.conftest import environment, gateway, token, visitor
from tests.integration.quote_to_order import witness
from tests.integration.retention.past import count, due_at_once, operation
from tests.sandbox import RunningSandbox

YEARS = timedelta(days=3 * 365)


async def until(store: AsyncEngine, table: object, good: Callable[[int], bool]) -> None:
    async with asyncio.timeout(20):
        while not good(await count(store, table)):  # noqa: ASYNC110  another process changes it
            await asyncio.sleep(0.05)


@pytest.mark.timeout(90)
async def test_a_quote_is_not_ordered_again_when_its_operation_is_forgotten(town: Town) -> None:  # noqa: F811
    async with town.replica() as gateway:
        made = await town.convert(gateway, "Q-1010", "key-1", wait=20)
        assert made.status_code == 201
        headers = town.headers("-")
        feed = (await gateway.get("/v1/events", headers=headers)).json()
        assert len(feed["events"]) > 1
    store = make_engine(town.database)
    await due_at_once(store)
    town.later = YEARS
    async with town.replica() as gateway:
        await until(store, operations, lambda left: left == 0)
        assert (await count(store, operation_steps), await count(store, converted_lines) > 0) == (0, True)
        headers = town.headers("-")
        gone = await gateway.get(made.headers["location"], headers=headers)
        never = await gateway.get("/v1/operations/op_01KAJ0000000000000000000000", headers=headers)
        assert (gone.status_code, gone.json()["code"]) == (404, never.json()["code"])
        again = await town.convert(gateway, "Q-1010", "key-1")
        assert (again.status_code, again.json()["code"]) == (409, "lines-already-converted")
        assert again.json()["operationId"] == made.json()["operationId"]
        missed = await gateway.get("/v1/events", params={"after": feed["events"][0]["id"]}, headers=headers)
        assert (missed.status_code, missed.json()["code"]) == (410, "events-forgotten")
        assert (await gateway.get("/v1/events", headers=headers)).is_success
        order = await gateway.get(f"/v1/orders/{made.json()['orderId']}", headers=headers)
        assert order.is_success, order.text  # the ERP has it, whether or not we remember
    await store.dispose()
    assert witness.posts(town.sandbox) == 1


async def test_operators_see_what_would_go_and_what_went(tmp_path: Path, sandbox: RunningSandbox) -> None:
    env = environment(tmp_path, sandbox.urls)
    store = make_engine(env["ORDERGATE_DATABASE_URL"])
    await migrate(store)
    for ended in (1, 400, 500, 800):
        await operation(store, ended=ended)
    async with gateway(env) as doors, visitor(doors.internal, sandbox.urls) as operator:
        await until(store, operations, lambda left: left == 3)
        said = await kinds(operator)
        assert said["operations"] == (730, 0, 1)
        assert said["idempotencyKeys"][0] is None
        assert (await kinds(operator, days=365))["operations"] == (365, 2, 1)
        assert await count(store, operations) == 3  # nothing goes by asking
        shown = await asyncio.to_thread(shown_by_the_command, doors.internal, sandbox, "--days", "365")
        assert re.search(r"operations\s+365 days\s+2\s+1\s+20\d\d-", shown), shown
        async with httpx.AsyncClient(base_url=doors.internal) as http:
            text = (await http.get("/metrics")).text
        assert 'ordergate_rows_purged_total{kind="operations"} 1.0' in text
    await store.dispose()


async def kinds(operator: httpx.AsyncClient, **asked: int) -> dict[str, tuple[int | None, int, int]]:
    """Days kept, would go, gone, by kind."""
    answer = await operator.get("/internal/v1/retention", params=asked)
    assert answer.is_success, answer.text
    return {one["kind"]: (one["keptDays"], one["due"], one["purged"]) for one in answer.json()["kinds"]}


def shown_by_the_command(door: str, sandbox: RunningSandbox, *words: str) -> str:
    known = token(sandbox.urls, "operator", "operator-sandbox-secret")
    command = [sys.executable, "-m", "app.cli", "retention", *words, "--url", door, "--token", known]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
