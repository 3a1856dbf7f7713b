"""A gateway with both doors open before the real sandbox, and everybody who may look at what it did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from click.testing import CliRunner, Result

from app.cli import group
from tests.integration.internal_door.conftest import Doors, environment, gateway, token
from tests.sandbox import RunningSandbox


@dataclass
class House:
    """`at(client)` is somebody at the external door, `inside(client)` at the internal one."""

    doors: Doors
    sandbox: RunningSandbox
    stack: AsyncExitStack
    known: dict[tuple[str, str], httpx.AsyncClient] = field(default_factory=dict)

    def at(self, client: str = "crm") -> httpx.AsyncClient:
        return self._known(self.doors.external, client)

    def inside(self, client: str = "operator") -> httpx.AsyncClient:
        return self._known(self.doors.internal, client)

    async def convert(self, quote: str, client: str = "crm", **body: Any) -> httpx.Response:
        path = f"/v1/quotes/{self.sandbox.quote_id(quote)}/order-conversions"
        wanted = {"customerPo": f"PO-{quote}", "onLate": "accept", **body}
        headers = {"Idempotency-Key": f"key-{quote}-{'-'.join(body)}", "Prefer": "wait=20"}
        return await self.at(client).post(path, json=wanted, headers=headers)

    def told(self, role: str) -> Callable[..., Result]:
        """`ordergate …` at the internal door, as somebody with the role."""
        secret = secret_of(role)

        def run(*words: str) -> Result:
            env = {
                "ORDERGATE_CLI_URL": self.doors.internal,
                "ORDERGATE_CLI_TOKEN": token(self.sandbox.urls, role, secret),
            }
            return CliRunner().invoke(group, [*words], env=env)

        return run

    def _known(self, url: str, client: str) -> httpx.AsyncClient:
        if (url, client) not in self.known:
            headers = {"Authorization": f"Bearer {token(self.sandbox.urls, client, secret_of(client))}"}
            self.known[url, client] = httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30)
            self.stack.push_async_callback(self.known[url, client].aclose)
        return self.known[url, client]


def secret_of(client: str) -> str:
    return f"{client.removeprefix('dealer-')}-sandbox-secret"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(sandbox: RunningSandbox, tmp_path_factory: Any) -> AsyncIterator[House]:
    sandbox.reset()
    directory: Path = tmp_path_factory.mktemp("house")
    async with AsyncExitStack() as stack, gateway(environment(directory, sandbox.urls)) as doors:
        yield House(doors, sandbox, stack)
        await stack.aclose()
