"""The real app on real sockets; its neighbours are there on the wire only, and mostly silent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest_asyncio
import respx

from app import settings
from app.main import create_app
from app.outside import Outside
from app.server import address, listener, opened
from app.settings import Settings
from tests.postgres import postgres  # noqa: F401  a fixture
from tests.tokens import RSA, claims_for, jwks, mint

ISSUER = "http://issuer.example"
SAP, CRM, SCHEDULER = "http://sap.example", "http://crm.example", "http://scheduler.example"


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that listens: its two addresses, and the neighbours as respx plays them."""

    external: str
    internal: str
    neighbours: respx.Router


def settings_in(directory: Path, **more: str) -> Settings:
    return settings.load(
        {
            "ORDERGATE_ENV": "sandbox",
            "ORDERGATE_DRIFT_CHECK": "off",
            "ORDERGATE_PORT": "0",
            "ORDERGATE_CONFIG": str(config_in(directory)),
            "ORDERGATE_INTERNAL_PORT": "0",
            "ORDERGATE_PUBLIC_URL": "https://gateway.example",
            "ORDERGATE_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/ordergate.db",
            "ORDERGATE_SANDBOX_ISSUER": ISSUER,
            "ORDERGATE_SANDBOX_SAP": SAP,
            "ORDERGATE_SANDBOX_SALESFORCE": CRM,
            "ORDERGATE_SANDBOX_SCHEDULER": SCHEDULER,
            **more,
        }
    )


def config_in(directory: Path) -> Path:
    """The shipped sandbox file with less patience for slow bodies."""
    config = directory / "sandbox.toml"
    config.write_text(settings.SANDBOX_FILE.read_text() + "\n[limits]\nslow_body_seconds = 0.3\n")
    return config


def silent_neighbours() -> respx.Router:
    """An issuer with its keys; everybody else refuses the connection."""
    router = respx.Router(assert_all_called=False)
    router.get(f"{ISSUER}/jwks").respond(json=jwks(RSA))
    router.route(host__regex=r"(sap|crm|scheduler)\.example").mock(side_effect=httpx.ConnectError("refused"))
    return router


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def served(tmp_path_factory: object) -> AsyncIterator[Served]:
    """One gateway for all tests that change nothing in it."""
    directory = tmp_path_factory.mktemp("gateway")  # type: ignore[attr-defined]
    router = silent_neighbours()
    chosen = settings_in(directory)
    gateway = create_app(chosen, Outside(transport=httpx.MockTransport(router.async_handler)))
    internal = listener(gateway.internal, "127.0.0.1", 0, 1)
    external = listener(gateway.external, "127.0.0.1", 0, 1)
    async with opened(internal), opened(external):
        yield Served(address(external), address(internal), router)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def caller(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """dealer-north with a good token, at the external door."""
    headers = {"Authorization": f"Bearer {token()}"}
    async with httpx.AsyncClient(base_url=served.external, headers=headers, trust_env=False, timeout=20) as client:
        yield client


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def nobody(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a token, at the external door."""
    async with httpx.AsyncClient(base_url=served.external, trust_env=False, timeout=20) as client:
        yield client


def token(client_id: str = "dealer-north", **changes: object) -> str:
    return mint(claims_for(ISSUER, client_id, **changes))
