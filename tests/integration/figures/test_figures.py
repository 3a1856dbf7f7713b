"""Business figures: what conversions came to, read at /metrics, at the internal door and by the command."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml
from sqlalchemy import select

from app.database import make_engine, migrate
from process_apis.figures.fold import fold
from process_apis.figures.process import figures_now
from process_apis.figures.tables import figures_place
from process_apis.outbox import append_event
from tests.integration.internal_door.conftest import Doors, environment, gateway
from tests.postgres import running_postgres
from tests.sandbox import RunningSandbox

RULES = Path(__file__).parents[3] / "docs" / "operating"
_METRIC = re.compile(r"\bordergate_[a-z_]+")


@pytest_asyncio.fixture
async def doors(tmp_path: Path, fresh_sandbox: RunningSandbox) -> AsyncIterator[Doors]:
    async with gateway(environment(tmp_path, fresh_sandbox.urls)) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty store of either kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/figures.db"
        return
    with running_postgres() as server:
        yield server.url


async def converted(doors: Doors, sandbox: RunningSandbox, quote: str, **more: Any) -> dict[str, Any]:
    token = (await _token(sandbox, "crm", "crm-sandbox-secret"))["access_token"]
    async with httpx.AsyncClient(base_url=doors.external, headers={"Authorization": f"Bearer {token}"}) as http:
        answer = await http.post(
            f"/v1/quotes/{sandbox.quote_id(quote)}/order-conversions",
            json={"customerPo": "PO-1", "onLate": "accept", **more},
            headers={"Idempotency-Key": f"figures-{quote}", "Prefer": "wait=20"},
            timeout=30,
        )
    assert answer.is_success, answer.text
    return dict(answer.json())


async def _token(sandbox: RunningSandbox, client: str, secret: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            f"{sandbox.urls['issuer']}/token", data={"grant_type": "client_credentials"}, auth=(client, secret)
        )
    return dict(answer.json())


async def scraped(doors: Doors, until: str) -> str:
    """/metrics, once a line of it begins as wished."""
    async with httpx.AsyncClient(base_url=doors.internal) as http, asyncio.timeout(30):
        while True:
            text = (await http.get("/metrics")).text
            if re.search(f"^{re.escape(until)}", text, re.MULTILINE):
                return text
            await asyncio.sleep(0.2)


async def test_a_conversion_shows_in_metrics_door_and_command(doors: Doors, fresh_sandbox: RunningSandbox) -> None:
    await converted(doors, fresh_sandbox, "Q-1001")
    await converted(doors, fresh_sandbox, "Q-1006", acceptance={"mode": "validLines"})
    text = await scraped(doors, 'ordergate_quote_conversions_total{outcome="partial",source="crm"} 1.0')
    assert 'ordergate_quote_conversions_total{outcome="full",source="crm"} 1.0' in text
    assert 'ordergate_quote_conversions_total{outcome="rejected",source="crm"} 0.0' in text
    assert 'ordergate_order_lines_rejected_total{source="crm"} 1.0' in text
    assert 'ordergate_order_confirmation_seconds_count{decided="policy"} 2.0' in text
    assert 'ordergate_schedule_confirmations_total{plant="1710"} 1.0' in text
    assert re.search(r'ordergate_exceptions_open\{code="item-discontinued",owner="sales",plant="1710"\} 1\.0', text)
    assert 'ordergate_exceptions_opened_total{code="item-discontinued",owner="sales"} 1.0' in text

    token = (await _token(fresh_sandbox, "operator", "operator-sandbox-secret"))["access_token"]
    async with httpx.AsyncClient(base_url=doors.internal, headers={"Authorization": f"Bearer {token}"}) as http:
        said = (await http.get("/internal/v1/figures")).json()
    totals = {(one["name"], *one["labels"].values()): one["value"] for one in said["totals"]}
    assert totals["quote_conversions", "full", "crm"] == 1
    assert said["distributions"][0]["count"] == 2

    command = [sys.executable, "-m", "app.cli", "figures", "--url", doors.internal, "--token", token]
    shown = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30, check=True)
    assert re.search(r"outcome=partial source=crm\s+1\s*\n", shown.stdout), shown.stdout
    assert "order_confirmation_seconds" in shown.stdout


async def test_every_figure_that_an_alert_asks_for_is_there(doors: Doors, fresh_sandbox: RunningSandbox) -> None:
    await converted(doors, fresh_sandbox, "Q-1001")
    text = await scraped(doors, "ordergate_figures_age_seconds")
    families = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    asked = {
        name
        for group in yaml.safe_load((RULES / "alerts.yml").read_text())["groups"]
        for rule in group["rules"]
        for name in _METRIC.findall(rule["expr"])
    }
    assert len(asked) > 8
    assert asked <= families, asked - families


@pytest.mark.parametrize("words", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts-test.yml")])
def test_the_alert_rules_ring_when_they_should(words: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: apt-get install prometheus"
    done = subprocess.run([promtool, *words], cwd=RULES, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_two_replicas_count_each_event_once(url: str) -> None:
    engines = [make_engine(url), make_engine(url)]
    try:
        await migrate(engines[0])
        for number in range(700):
            async with engines[0].begin() as connection:
                await append_event(
                    connection, "exception.opened", subject=f"exc_{number}", customer="17100001",
                    correlation_id="c", traceparent=None, data={"code": "shortage", "ownerRole": "planning"},
                )  # fmt: skip
        await asyncio.gather(*(fold(engine) for engine in engines * 3))
        read = await figures_now(engines[0])
        opened = [one.value for one in read.totals if one.name == "exceptions_opened"]
        assert opened == [700]
        assert [one.value for one in read.standing if one.name == "figures_behind_events"] == [0]
        async with engines[1].connect() as connection:
            assert len((await connection.execute(select(figures_place))).all()) == 1
    finally:
        for engine in engines:
            await engine.dispose()
