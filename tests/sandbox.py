"""The sandbox as its users run it, in a process of its own; and what a test orders from it through the control door."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

_PORTS = ("issuer", "sap", "salesforce", "scheduler", "control", "tls")
_START_S = 20
_STOP_S = 5


class RunningSandbox:
    """`urls` by system (issuer, sap, salesforce, salesforceTls, scheduler, control); `ca`: the TLS authority's file;
    `jwt_key`: the file with the private key that Salesforce's JWT bearer flow takes."""

    def __init__(self, process: subprocess.Popen[bytes], announced: dict[str, Any]) -> None:
        self.process = process
        self.urls: dict[str, str] = announced["urls"]
        self.ca: str = announced["ca"]
        self.jwt_key: str = announced["jwtKey"]
        self._control = httpx.Client(base_url=self.urls["control"], timeout=10)

    def fault(self, system: str, kind: str, **more: Any) -> str:
        """Arms a fault (docs/sandbox.md lists kinds and options) and gives its id."""
        answer = self._control.post("/faults", json={"system": system, "kind": kind, **more})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def sap_settings(
        self, page_size: int | None = None, *, repeatability: bool = False, sales_order: str | None = None
    ) -> None:
        """Until the next reset: rows per answer, whether SAP honours RequestID, sales orders by v2, v4 or both."""
        wanted = {"pageSize": page_size, "repeatability": repeatability, "salesOrder": sales_order}
        self._control.post("/sap/settings", json=wanted).raise_for_status()

    def planned_with(self, routing_revision: dict[str, str]) -> None:
        """Until the next reset: the routing that the plan works with, by material."""
        wanted = {"routingRevision": routing_revision}
        self._control.post("/scheduler/settings", json=wanted).raise_for_status()

    def faults(self) -> list[dict[str, Any]]:
        return list(self._get("/faults")["faults"])

    def lift(self, fault_id: str | None = None) -> None:
        self._control.delete(f"/faults/{fault_id}" if fault_id else "/faults").raise_for_status()

    def reset(self) -> None:
        """A new world, no faults, an empty journal; log-ins stay good."""
        self._control.post("/reset").raise_for_status()

    def expire_sessions(self) -> None:
        self._control.post("/salesforce/expire-sessions").raise_for_status()

    def journal(self, system: str | None = None, after: int = 0) -> list[dict[str, Any]]:
        """What reached a system (or all), oldest first."""
        asked = {"after": str(after)} | ({"system": system} if system else {})
        return list(self._get("/journal", asked)["entries"])

    def world(self) -> dict[str, Any]:
        return dict(self._get("/world"))

    def quote_id(self, name: str) -> str:
        return next(str(quote["id"]) for quote in self.world()["quotes"] if quote["name"] == name)

    def close(self) -> None:
        self._control.close()

    def _get(self, path: str, params: dict[str, str] | None = None) -> Any:
        return self._control.get(path, params=params).raise_for_status().json()


def start_sandbox(where: Path, *options: str) -> RunningSandbox:
    """A new sandbox process on free ports; the caller ends it."""
    announce = where / "sandbox.json"
    ports = [part for name in _PORTS for part in (f"--{name}-port", "0")]
    files = ["--announce", str(announce), "--ca-file", str(where / "ca.pem"), "--jwt-key-file", str(where / "jwt.pem")]
    with (where / "sandbox.log").open("wb") as log:
        command = [sys.executable, "-m", "system_apis.sandbox", *ports, "--tls", *files, *options]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    ends = time.monotonic() + _START_S
    while not announce.exists():
        if process.poll() is not None or time.monotonic() > ends:
            process.kill()
            process.wait()
            raise RuntimeError(f"the sandbox did not start: {(where / 'sandbox.log').read_text()}")
        time.sleep(0.02)
    return RunningSandbox(process, httpx.Response(200, content=announce.read_bytes()).json())


def stop_sandbox(running: RunningSandbox) -> None:
    running.close()
    running.process.terminate()
    try:
        running.process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        running.process.kill()
        running.process.wait()
        raise


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """One sandbox for all tests of a run. A test that writes or arms faults takes `fresh_sandbox` instead."""
    running = start_sandbox(tmp_path_factory.mktemp("sandbox"))
    yield running
    stop_sandbox(running)


@pytest.fixture
def fresh_sandbox(sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """The same process with a new world; what the test armed or set is lifted afterwards."""
    sandbox.reset()
    yield sandbox
    sandbox.lift()
    sandbox.sap_settings(sales_order="both")
