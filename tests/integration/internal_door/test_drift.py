"""Drift, end to end: by the command, beside a running gateway, and at a system that was changed on the wire."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.settings import SANDBOX_FILE
from tests.integration.internal_door.conftest import environment, gateway, visitor
from tests.integration.internal_door.drifting import in_front_of
from tests.sandbox import RunningSandbox

SYSTEMS = "/internal/v1/systems"
PROPERTY = re.compile(rb'<Property Name="SalesDocumentRjcnReason".*?(?:/>|</Property>)', re.DOTALL)


def without_rejection_reason(path: str, body: bytes) -> bytes:
    """SAP's order metadata as it would be if the rejection reason were gone."""
    if "API_SALES_ORDER_SRV/$metadata" not in path:
        return body
    changed, times = PROPERTY.subn(b"", body)
    assert times
    return changed


def without_confirmed_date(path: str, body: bytes) -> bytes:
    """Salesforce's describe of a quote as it would be if our date field had been renamed."""
    return body.replace(b'"Confirmed_Date__c"', b'"Confirmed_Dates__c"') if path.endswith("/Quote/describe") else body


def with_another_version(path: str, body: bytes) -> bytes:
    return body.replace(b'"apiVersion":"1"', b'"apiVersion":"2"') if path == "/v1/capabilities" else body


def checked(env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGATE_")}
    command = [sys.executable, "-m", "app.cli", "systems", "check"]
    return subprocess.run(command, capture_output=True, text=True, env={**bare, **env}, timeout=60, check=False)


def test_the_sandbox_serves_all_that_we_use(sandbox: RunningSandbox, tmp_path: Path) -> None:
    said = checked(environment(tmp_path, sandbox.urls))
    assert said.returncode == 0, said.stdout + said.stderr
    for name in ("erp s4-1710", "crm crm-main", "scheduler aps-1710"):
        assert f"✓ {name} serves all that we use" in said.stdout
    assert not list(tmp_path.glob("*.db*")), "it needs no store"


def test_an_instance_that_serves_orders_by_version_4_only_is_compared_with_that(
    fresh_sandbox: RunningSandbox, tmp_path: Path
) -> None:
    fresh_sandbox.sap_settings(sales_order="v4")
    env = environment(tmp_path, fresh_sandbox.urls)
    said = checked(env)
    assert (said.returncode, "API_SALES_ORDER_SRV is not served" in said.stdout) == (1, True), said.stdout + said.stderr
    file = tmp_path / "v4.toml"
    settings = SANDBOX_FILE.read_text()
    assert settings.count('user = "SANDBOX"\n') == 1
    file.write_text(settings.replace('user = "SANDBOX"\n', 'user = "SANDBOX"\nsales_order_api = "v4"\n'))
    said = checked({**env, "ORDERGATE_CONFIG": str(file)})
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize(
    ("system", "change", "named"),
    [
        ("sap", without_rejection_reason, ("missing", "SalesDocumentRjcnReason")),
        ("salesforce", without_confirmed_date, ("renamed", "Confirmed_Dates__c")),
        ("scheduler", with_another_version, ("versionNotServed", "apiVersion")),
    ],
)
def test_a_system_that_drifted_is_named_with_what_to_mend(
    sandbox: RunningSandbox, tmp_path: Path, system: str, change: Any, named: tuple[str, str]
) -> None:
    with in_front_of(sandbox.urls[system], change) as drifted:
        said = checked(environment(tmp_path, {**sandbox.urls, system: drifted}))
    assert said.returncode == 1, said.stdout + said.stderr
    assert said.stdout.count("has drifted") == 1
    assert said.stdout.count("serves all that we use") == 2
    for word in named:
        assert word in said.stdout


def test_a_proxy_that_changes_nothing_changes_nothing(sandbox: RunningSandbox, tmp_path: Path) -> None:
    with in_front_of(sandbox.urls["sap"], lambda _path, body: body) as same:
        assert checked(environment(tmp_path, {**sandbox.urls, "sap": same})).returncode == 0


def test_a_system_that_does_not_answer_is_not_called_clean(sandbox: RunningSandbox, tmp_path: Path) -> None:
    said = checked(environment(tmp_path, {**sandbox.urls, "scheduler": "http://127.0.0.1:9"}))
    assert said.returncode == 2
    assert "? scheduler aps-1710 could not be compared" in said.stdout


def test_an_unfit_configuration_is_named_in_one_line(tmp_path: Path) -> None:
    said = checked({"ORDERGATE_ENV": "sandbox", "ORDERGATE_PORT": "http"})
    assert (said.returncode, len(said.stderr.strip().splitlines())) == (2, 1)
    assert "ORDERGATE_PORT" in said.stderr


async def states_once(operator: httpx.AsyncClient, compared: int) -> dict[str, Any]:
    """The state of the systems as soon as that many of them are compared."""
    while True:
        states = {each["instance"]: each for each in (await operator.get(SYSTEMS)).json()["systems"]}
        if sum(each["drift"] is not None for each in states.values()) >= compared:
            return states
        await asyncio.sleep(0.05)


async def test_a_running_gateway_warns_and_shows_it(
    sandbox: RunningSandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ordergate.drift")
    with in_front_of(sandbox.urls["sap"], without_rejection_reason) as drifted:
        urls = {**sandbox.urls, "sap": drifted, "scheduler": "http://127.0.0.1:9"}
        env = environment(tmp_path, urls, ORDERGATE_DRIFT_CHECK="on")
        async with gateway(env) as doors, visitor(doors.internal, urls) as operator:
            states = await asyncio.wait_for(states_once(operator, 3), 20)
    (finding,) = states["s4-1710"]["drift"]["findings"]
    assert (finding["kind"], finding["field"]) == ("missing", "SalesDocumentRjcnReason")
    assert (states["crm-main"]["drift"]["findings"], states["crm-main"]["drift"]["unread"]) == ([], None)
    assert states["aps-1710"]["drift"]["unread"]
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.message for record in warned] == [f"s4-1710 has drifted: {finding['detail']}"]
    assert any("aps-1710 could not be compared" in record.message for record in caplog.records)


async def test_readiness_does_not_wait_for_the_comparison(sandbox: RunningSandbox, tmp_path: Path) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def held_back(path: str, body: bytes) -> bytes:
        if "$metadata" in path:
            asked.set()
            go_on.wait(20)
        return body

    with in_front_of(sandbox.urls["sap"], held_back) as slow:
        urls = {**sandbox.urls, "sap": slow}
        env = environment(tmp_path, urls, ORDERGATE_DRIFT_CHECK="on")
        try:
            async with gateway(env) as doors, visitor(doors.internal, urls) as operator:
                assert await asyncio.to_thread(asked.wait, 10), "the comparison is under way"
                began = time.monotonic()
                ready = await operator.get("/readyz")
                states = (await operator.get(SYSTEMS)).json()["systems"]
                assert ready.json()["status"] == "ready"
                assert time.monotonic() - began < 5
                assert {each["instance"]: each["drift"] for each in states}["s4-1710"] is None
                go_on.set()
                await asyncio.wait_for(states_once(operator, 3), 20)
        finally:
            go_on.set()
