"""A gateway and a sandbox in processes of their own, and what can be told of them from outside: calls, CPU, times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import httpx

from app import settings
from app.cli.pair import Gateway, Sandbox, running_gateway, running_sandbox
from benchmarks.processes import cpu_s

MATERIALS = ("TG10", "TG11", "TG12", "TG13", "TG15", "TG17", "TG18", "TG19", "TG21", "SP900")


@dataclass(frozen=True, slots=True)
class Taken:
    """What one check took, and what came: its status, or the HTTP status of a refusal."""

    seconds: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Stage:
    sandbox: Sandbox
    gateway: Gateway
    control: httpx.Client
    headers: dict[str, str]

    def fault(self, system: str, kind: str, **more: Any) -> None:
        self.control.post("/faults", json={"system": system, "kind": kind, **more}).raise_for_status()

    def lift(self) -> None:
        self.control.delete("/faults").raise_for_status()

    def calls(self, after: int = 0) -> list[dict[str, Any]]:
        """What reached the neighbours, without the keys of the issuer."""
        entries = self.control.get("/journal", params={"after": after}).raise_for_status().json()["entries"]
        return [one for one in entries if one["system"] != "issuer"]

    def cpu_s(self) -> float:
        """What the gateway's process has used so far (user and system)."""
        return cpu_s(self.gateway.process.pid)


@contextmanager
def stage(directory: Path) -> Iterator[Stage]:
    config = directory / "open.toml"
    config.write_text(
        settings.SANDBOX_FILE.read_text().replace(
            'client_id = "crm"\n', 'client_id = "crm"\nlimit = "100000000 per 1 minute"\n'
        )
    )
    more = {"ORDERGATE_CONFIG": str(config), "ORDERGATE_DRIFT_CHECK": "off", "ORDERGATE_LOG_LEVEL": "ERROR"}
    with (
        running_sandbox(directory, free_ports=True) as sandbox,
        running_gateway(sandbox, directory / "bench.db", directory, more=more) as gateway,
        httpx.Client(base_url=sandbox.control, timeout=30) as control,
    ):
        proof = httpx.post(
            f"{sandbox.issuer}/token", data={"grant_type": "client_credentials"}, auth=("crm", "crm-sandbox-secret")
        )
        yield Stage(sandbox, gateway, control, {"Authorization": f"Bearer {proof.json()['access_token']}"})


@asynccontextmanager
async def caller(on: Stage, connections: int) -> AsyncIterator[aiohttp.ClientSession]:
    """aiohttp, because a client that is slower than what it measures measures itself."""
    pool = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(on.gateway.url, connector=pool, headers=on.headers) as session:
        yield session


def wish(lines: int, *, first: int = 1, material: str | None = None, days: int = 5, **more: Any) -> dict[str, Any]:
    """A check of so many lines over ten materials; `first` makes checks differ from each other."""
    today = datetime.now(ZoneInfo("America/Los_Angeles")).date()  # as the plants count, and the sandbox's world
    return {
        "soldTo": {"id": "17100001"},
        "lines": [
            {
                "lineId": str(n),
                "product": {"id": material or MATERIALS[n % len(MATERIALS)]},
                "quantity": {"value": str(first), "unit": "C62"},
                "requestedDate": (today + timedelta(days=days)).isoformat(),
            }
            for n in range(lines)
        ],
    } | more


async def ask(client: aiohttp.ClientSession, body: dict[str, Any]) -> Taken:
    began = time.perf_counter()
    async with client.post("/v1/atp-checks", json=body) as answer:
        told = await answer.json()
    outcome = told["status"] if answer.status == httpx.codes.OK else f"HTTP {answer.status}"
    return Taken(time.perf_counter() - began, outcome)


async def at_a_rate(client: aiohttp.ClientSession, bodies: Sequence[dict[str, Any]], per_s: float) -> list[Taken]:
    """An open loop: a slow answer does not keep the next question from being asked."""

    async def later(n: int, body: dict[str, Any]) -> Taken:
        await asyncio.sleep(n / per_s)
        return await ask(client, body)

    return list(await asyncio.gather(*(later(n, body) for n, body in enumerate(bodies))))


def percentile(taken: Sequence[Taken], share: float) -> float:
    """In milliseconds."""
    ordered = sorted(one.seconds for one in taken)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000
