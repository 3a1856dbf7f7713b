"""A gateway with both doors open on real sockets, before the real sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app import settings
from app.main import create_app
from app.server import address, listener, opened
from tests.sandbox import RunningSandbox

Urls = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Doors:
    external: str
    internal: str


def environment(directory: Path, urls: Urls, **more: str) -> dict[str, str]:
    """What a gateway before this sandbox is started with."""
    return {
        "ORDERGATE_ENV": "sandbox",
        "ORDERGATE_DRIFT_CHECK": "off",
        "ORDERGATE_PORT": "0",
        "ORDERGATE_INTERNAL_PORT": "0",
        "ORDERGATE_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/ordergate.db",
        **{f"ORDERGATE_SANDBOX_{name.upper()}": urls[name] for name in ("issuer", "sap", "salesforce", "scheduler")},
        **more,
    }


@asynccontextmanager
async def gateway(env: Mapping[str, str]) -> AsyncIterator[Doors]:
    app = create_app(settings.load(env))
    internal, external = (listener(door, "127.0.0.1", 0, 1) for door in (app.internal, app.external))
    async with opened(internal), opened(external):
        yield Doors(address(external), address(internal))


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def doors(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    """One gateway for all tests that only look."""
    async with gateway(environment(tmp_path_factory.mktemp("doors"), sandbox.urls)) as open_doors:
        yield open_doors


def token(urls: Urls, client: str, secret: str) -> str:
    answer = httpx.post(f"{urls['issuer']}/token", data={"grant_type": "client_credentials"}, auth=(client, secret))
    return str(answer.raise_for_status().json()["access_token"])


@asynccontextmanager
async def visitor(url: str, urls: Urls, client: str = "operator") -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway, with a token of the sandbox's issuer."""
    secrets = {"operator": "operator-sandbox-secret", "crm": "crm-sandbox-secret"}
    headers = {"Authorization": f"Bearer {token(urls, client, secrets[client])}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=20) as known:
        yield known


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def operator(doors: Doors, sandbox: RunningSandbox) -> AsyncIterator[httpx.AsyncClient]:
    """An operator at the internal door."""
    async with visitor(doors.internal, sandbox.urls) as known:
        yield known
