"""Whole gateways before a sandbox, in this process, and steady traffic at their doors."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx

from app import settings
from app.cli.pair import access_token
from app.main import create_app
from app.server import address, listener, opened
from tests.e2e.portal import question
from tests.sandbox import RunningSandbox

Kind = Literal["promise", "read", "order", "operation", "internal", "ready"]
LIMIT = 30
RATES: dict[Kind, float] = {"promise": 30, "read": 50, "order": 20, "operation": 10, "internal": 50, "ready": 5}
"""Calls per second that a busy machine keeps up with."""
PLAN = f"""
[plans.measured]
sustained = "{LIMIT} per 1 minute"
concurrent = 50
"""


@dataclass
class Gateways:
    """Some replicas: their doors, and what a dealer needs to call them."""

    external: list[str]
    internal: list[str]
    tokens: dict[str, str]
    http: httpx.AsyncClient
    quote: str
    order: str

    async def call(self, kind: Kind, replica: int = 0, client: str = "crm", key: str = "") -> httpx.Response:
        headers = {"X-API-Key": key} if key else {"Authorization": f"Bearer {self.tokens[client]}"}
        outside, inside = self.external[replica], self.internal[replica]
        if kind == "promise":
            return await self.http.post(f"{outside}/v1/atp-checks", json=question("TG11"), headers=headers)
        if kind == "read":
            return await self.http.get(f"{outside}/v1/operations", headers=headers)
        if kind == "order":
            return await self.http.get(f"{outside}/v1/orders/s4-1710.{self.order}", headers=headers)
        if kind == "operation":
            more = {"Idempotency-Key": str(uuid.uuid4()), "Prefer": "respond-async"}
            url = f"{outside}/v1/quotes/{self.quote}/order-conversions"
            return await self.http.post(url, json={"customerPo": "PO-1"}, headers=headers | more)
        if kind == "ready":
            return await self.http.get(f"{inside}/readyz")
        desk = {"Authorization": f"Bearer {self.tokens['operator']}"}
        return await self.http.get(f"{inside}/internal/v1/systems", headers=desk)

    async def metric(self, begins: str, replica: int = 0) -> float:
        """The sum of the samples whose line begins so."""
        text = (await self.http.get(f"{self.internal[replica]}/metrics")).text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(begins))

    async def counting_there_again(self, replica: int = 0) -> None:
        """Until the replica found its Redis again, which it looks for once a second."""
        await self.turned("redis", replica, is_open=False)

    async def turned(self, store: str, replica: int = 0, *, is_open: bool) -> None:
        """Until the breaker before that store is open, or closed."""
        async with asyncio.timeout(15):
            while await self.metric(f"ordergate_{store}_breaker", replica) != is_open:  # noqa: ASYNC110  told there alone
                await asyncio.sleep(0.05)

    async def new_key(self) -> str:
        """An API key of the client `crm`."""
        headers = {"Authorization": f"Bearer {self.tokens['key-admin']}", "Idempotency-Key": str(uuid.uuid4())}
        wish = {"clientId": "crm", "label": "a test", "scopes": ["atp:read"]}
        made = await self.http.post(f"{self.internal[0]}/internal/v1/api-keys", json=wish, headers=headers)
        assert made.status_code == 201, made.text
        return str(made.json()["key"])


@dataclass
class Seen:
    """What came of some calls."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    answers: list[httpx.Response] = field(default_factory=list)


async def steadily(gateways: Gateways, kind: Kind, *, calls: int, per_second: float = 0, **more: Any) -> Seen:
    """So many calls at a fixed rate, whether or not the ones before were answered."""
    seen, replicas = Seen(), len(gateways.external)

    async def one(number: int) -> None:
        await asyncio.sleep(number / (per_second or RATES[kind]))
        began = time.perf_counter()
        answer = await gateways.call(kind, number % replicas, **more)
        seen.seconds.append(time.perf_counter() - began)
        seen.statuses[answer.status_code] += 1
        seen.answers.append(answer)

    await asyncio.gather(*(one(number) for number in range(calls)))
    return seen


def world_with_a_measured_client(directory: Path) -> Path:
    """The shipped sandbox file; its client `trickle` has a plan whose limit a test can reach."""
    text = settings.SANDBOX_FILE.read_text().replace('limit = "3 per 1 minute"', 'plan = "measured"')
    text = text.replace('disclosure = "internal"', 'disclosure = "internal"\nlimit = "100000 per 1 minute"')
    path = directory / "world.toml"
    path.write_text(text + PLAN)
    return path


@asynccontextmanager
async def running_gateways(
    sandbox: RunningSandbox, directory: Path, *, replicas: int = 1, **environment: str
) -> AsyncIterator[Gateways]:
    """`--role api`: what a call meets, without the operations behind it."""
    urls = {f"ORDERGATE_SANDBOX_{name.upper()}": sandbox.urls[name] for name in ("issuer", "sap", "salesforce")}
    given = {
        "ORDERGATE_ENV": "sandbox",
        "ORDERGATE_ROLE": "api",
        "ORDERGATE_DRIFT_CHECK": "off",
        "ORDERGATE_PORT": "0",
        "ORDERGATE_INTERNAL_PORT": "0",
        "ORDERGATE_CONFIG": str(world_with_a_measured_client(directory)),
        "ORDERGATE_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/ordergate.db",
        "ORDERGATE_SANDBOX_SCHEDULER": sandbox.urls["scheduler"],
        "ORDERGATE_REPLICAS": str(replicas),
        **urls,
        **environment,
    }
    tokens = {
        name: access_token(sandbox.urls["issuer"], name, secret)
        for name, secret in (
            ("crm", "crm-sandbox-secret"),
            ("trickle", "trickle-sandbox-secret"),
            ("operator", "operator-sandbox-secret"),
            ("key-admin", "key-admin-sandbox-secret"),
        )
    }
    async with AsyncExitStack() as stack:
        inner: list[str] = []
        outer: list[str] = []
        for _ in range(replicas):
            gateway = create_app(settings.load(given))
            for app, doors in ((gateway.internal, inner), (gateway.external, outer)):
                server = listener(app, "127.0.0.1", 0, 1)
                await stack.enter_async_context(opened(server))
                doors.append(address(server))
        client = httpx.AsyncClient(trust_env=False, timeout=30, limits=httpx.Limits(max_connections=None))
        http = await stack.enter_async_context(client)
        order = str(sandbox.world()["ordersBefore"][0]["number"])
        yield Gateways(outer, inner, tokens, http, sandbox.quote_id("Q-1010"), order)
