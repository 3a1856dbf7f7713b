"""Where a call comes from, asked at the door: only a proxy that is trusted may say it is somebody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from app import settings
from app.main import create_app
from app.outside import Outside
from app.server import address, listener, opened
from app.settings import Settings
from tests.integration.app.conftest import ISSUER, config_in, silent_neighbours


def settings_of(directory: Path, trusted: str) -> Settings:
    """An address may try three bad tokens a minute."""
    config = config_in(directory)
    config.write_text(config.read_text() + 'failed_logins = "3 per 1 minute"\n')
    return settings.load(
        {
            "ORDERGATE_ENV": "sandbox",
            "ORDERGATE_ROLE": "api",
            "ORDERGATE_CONFIG": str(config),
            "ORDERGATE_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/ordergate.db",
            "ORDERGATE_SANDBOX_ISSUER": ISSUER,
            "ORDERGATE_TRUSTED_PROXIES": trusted,
            "ORDERGATE_DRIFT_CHECK": "off",
        }
    )


@asynccontextmanager
async def door(directory: Path, trusted: str) -> AsyncIterator[httpx.AsyncClient]:
    """A caller at the external door of a gateway on loopback."""
    neighbours = httpx.MockTransport(silent_neighbours().async_handler)
    gateway = create_app(settings_of(directory, trusted), Outside(transport=neighbours))
    internal, external = (listener(app, "127.0.0.1", 0, 1) for app in (gateway.internal, gateway.external))
    async with (
        opened(internal),
        opened(external),
        httpx.AsyncClient(base_url=address(external), trust_env=False) as client,
    ):
        yield client


async def tried(client: httpx.AsyncClient, *forwarded_for: str) -> int:
    headers = [("Authorization", "Bearer bad"), *(("X-Forwarded-For", each) for each in forwarded_for)]
    return (await client.get("/v1/events", headers=headers)).status_code


async def test_behind_a_trusted_proxy_each_caller_counts_for_itself(tmp_path: Path) -> None:
    async with door(tmp_path, "127.0.0.0/8") as client:
        assert [await tried(client, "198.51.100.7") for _ in range(4)] == [401, 401, 401, 429]
        assert await tried(client, "198.51.100.8") == 401
        forged = [await tried(client, f"203.0.113.{number}, 198.51.100.7") for number in range(3)]
        assert forged == [429, 429, 429], "what the caller wrote itself is not believed"
        assert await tried(client, "203.0.113.9", "198.51.100.7") == 429


async def test_nobody_else_is_believed(tmp_path: Path) -> None:
    async with door(tmp_path, "") as client:
        assert [await tried(client, f"198.51.100.{number}") for number in range(4)] == [401, 401, 401, 429]
