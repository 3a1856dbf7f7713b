"""Gateways on one real store, SQLite and then PostgreSQL, and those who administer clients and keys at their doors."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from app.main import create_app
from app.outside import Outside
from app.server import address, listener, opened
from tests.integration.app.conftest import ISSUER, settings_in, silent_neighbours
from tests.postgres import postgres  # noqa: F401  a fixture
from tests.tokens import claims_for, mint

PUBLIC_SCOPES = "atp:read orders:read orders:write"
SCOPES = {"key-admin": "ops:read ops:keys", "auditor": "ops:read ops:audit", "operator": "ops:read ops:write"}


@dataclass(frozen=True)
class Replica:
    """A gateway that listens, and how one comes to its doors."""

    external: httpx.AsyncClient
    internal: httpx.AsyncClient

    async def post(self, path: str, body: Any = None, *, by: str = "key-admin", key: str = "") -> httpx.Response:
        """Something done at the internal door, under a key of its own unless one is given."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4()), "content-type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        return await self.internal.post(f"/internal/v1{path}", content=content, headers=token_of(by) | headers)

    async def get(self, path: str, *, by: str = "key-admin") -> httpx.Response:
        return await self.internal.get(f"/internal/v1{path}", headers=token_of(by))

    async def make_key(self, client_id: str = "dealer-north", **more: Any) -> dict[str, Any]:
        made = await self.post("/api-keys", {"clientId": client_id, "label": "a test", **more})
        assert made.status_code == 201, made.text
        return dict(made.json())

    async def events(self, key: str) -> httpx.Response:
        """A call at the external door with an API key."""
        return await self.external.get("/v1/events", headers={"X-API-Key": key})


def token_of(client_id: str, **changes: Any) -> dict[str, str]:
    scope = SCOPES.get(client_id, PUBLIC_SCOPES)
    return {
        "Authorization": f"Bearer {mint(claims_for(ISSUER, **{'client_id': client_id, 'scope': scope, **changes}))}"
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of its own for each test."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/ordergate.db"
    server = make_url(request.getfixturevalue("postgres"))
    name = f"credentials_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.set(drivername="postgresql").render_as_string(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return server.set(database=name).render_as_string()


@asynccontextmanager
async def opened_replica(
    directory: Path, *, key_peppers: tuple[str, ...] | None = None, **more: str
) -> AsyncIterator[Replica]:
    """A gateway on a store. `key_peppers` replaces those of the sandbox, which cannot be left out there."""
    transport = httpx.MockTransport(silent_neighbours().async_handler)
    settings = settings_in(directory, ORDERGATE_ROLE="api", **more)
    if key_peppers is not None:
        settings = replace(settings, key_peppers=key_peppers)
    gateway = create_app(settings, Outside(transport=transport))
    internal = listener(gateway.internal, "127.0.0.1", 0, 1)
    external = listener(gateway.external, "127.0.0.1", 0, 1)
    async with (
        opened(internal),
        opened(external),
        httpx.AsyncClient(base_url=address(external), trust_env=False, timeout=20) as outside,
        httpx.AsyncClient(base_url=address(internal), trust_env=False, timeout=20) as inside,
    ):
        yield Replica(outside, inside)


@pytest.fixture
async def replicas(tmp_path: Path, store_url: str) -> AsyncIterator[tuple[Replica, Replica]]:
    """Two gateways before one store."""
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(opened_replica(tmp_path, ORDERGATE_DATABASE_URL=store_url))
        there = await stack.enter_async_context(opened_replica(tmp_path, ORDERGATE_DATABASE_URL=store_url))
        yield here, there


@pytest.fixture
async def replica(tmp_path: Path, store_url: str) -> AsyncIterator[Replica]:
    async with opened_replica(tmp_path, ORDERGATE_DATABASE_URL=store_url) as only:
        yield only
