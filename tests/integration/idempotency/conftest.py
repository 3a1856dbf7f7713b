"""Replicas of a gateway on one store, before the real sandbox, under a clock that can be moved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import settings
from app.main import create_app
from app.outside import Outside
from app.server import address, listener, opened
from tests.integration.audit.conftest import emptied
from tests.integration.quote_to_order import witness
from tests.postgres import postgres  # noqa: F401  a fixture
from tests.redis_server import redis_of_all, redis_server  # noqa: F401  likewise
from tests.sandbox import RunningSandbox
from tests.tokens import RSA, claims_for, jwks, mint

ISSUER = "http://issuer.example"


class IssuerInTheMiddle(httpx.AsyncBaseTransport):
    """The issuer's keys are ours, so that a token can be of any day; everything else is the real network."""

    def __init__(self) -> None:
        self._network = httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "issuer.example":
            return httpx.Response(200, json=jwks(RSA))
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        await self._network.aclose()


@dataclass
class Town:
    """A store, a sandbox, and as many replicas as a test starts; `later` moves the clock of all of them."""

    database: str
    urls: dict[str, str]
    sandbox: RunningSandbox
    more: dict[str, str] = field(default_factory=dict)
    later: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    @asynccontextmanager
    async def replica(self, role: str = "all") -> AsyncIterator[httpx.AsyncClient]:
        """A replica, and a client of the CRM at its door. One of a process executes operations, others only serve."""
        env = {
            "ORDERGATE_ENV": "sandbox",
            "ORDERGATE_ROLE": role,
            "ORDERGATE_DRIFT_CHECK": "off",
            "ORDERGATE_PORT": "0",
            "ORDERGATE_INTERNAL_PORT": "0",
            "ORDERGATE_DATABASE_URL": self.database,
            "ORDERGATE_SANDBOX_ISSUER": ISSUER,
            **{f"ORDERGATE_SANDBOX_{name.upper()}": self.urls[name] for name in ("sap", "salesforce", "scheduler")},
            **self.more,
        }
        gateway = create_app(settings.load(env), Outside(IssuerInTheMiddle(), self.now))
        internal, external = (listener(door, "127.0.0.1", 0, 1) for door in (gateway.internal, gateway.external))
        async with opened(internal), opened(external), self._client(address(external)) as client:
            yield client

    @staticmethod
    def _client(url: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=url, trust_env=False, timeout=40)

    def headers(self, key: str, client_id: str = "crm", **more: str) -> dict[str, str]:
        token = mint(claims_for(ISSUER, client_id, now=int(self.now().timestamp())))
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": key, **more}

    async def convert(
        self, at: httpx.AsyncClient, quote: str, key: str, *, wait: int | None = None, po: str = "PO-1", **more: str
    ) -> httpx.Response:
        path = f"/v1/quotes/{self.sandbox.quote_id(quote)}/order-conversions"
        if wait is not None:
            more["Prefer"] = f"wait={wait}"
        body = {"customerPo": po, "onLate": "accept"}
        return await at.post(path, json=body, headers=self.headers(key, **more))

    async def ended(self, at: httpx.AsyncClient, operation_id: str) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while True:
                seen = (await at.get(f"/v1/operations/{operation_id}", headers=self.headers("-"))).json()
                if seen["state"] in ("completed", "completedWithExceptions", "rejected", "failed"):
                    return dict(seen)
                await asyncio.sleep(0.05)

    def orders(self, operation_id: str) -> int:
        """How many orders the ERP itself holds for an operation."""
        return len(witness.orders_of(self.sandbox, operation_id))


@pytest.fixture(params=["sqlite", "postgresql"])
async def town(request: pytest.FixtureRequest, tmp_path: Path, fresh_sandbox: RunningSandbox) -> Town:
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path}/ordergate.db"
    else:
        url = request.getfixturevalue("postgres")
        await emptied(url)
    return Town(url, fresh_sandbox.urls, fresh_sandbox)
