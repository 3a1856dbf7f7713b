"""Every cell of docs/access.md, over the wire: each route, asked with each scope, by each kind and role of client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import get_args

import httpx
import pytest
import pytest_asyncio

from app.access_table import admits, callers
from app.internal_routes import INTERNAL
from app.main import create_app
from app.outside import Outside
from app.route import Route
from app.routes import PUBLIC
from app.server import address, listener, opened
from app.settings import SANDBOX_FILE
from app.world import Scope
from tests.integration.app.conftest import ISSUER, settings_in, silent_neighbours
from tests.tokens import claims_for, mint

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCOPES = get_args(Scope)
Doors = dict[str, httpx.AsyncClient]


def name_of(kind: str, role: str | None) -> str:
    return f"cell-{kind}-{role or 'none'}"


def clients_toml() -> str:
    """A client of every kind and role, allowed every scope: what then keeps it out is the sheet."""
    scopes = ", ".join(f'"{scope}"' for scope in SCOPES)
    entries = []
    for kind, role in callers():
        roles = f'roles = ["{role}"]\n' if role else ""
        entries.append(
            f'[[clients]]\nclient_id = "{name_of(kind, role)}"\nname = "x"\nkind = "{kind}"\n{roles}'
            f'scopes = [{scopes}]\ncustomers = ["17100001"]\nlimit = "1000000 per 1 minute"\n'
        )
    return "\n".join(entries)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def doors(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    directory = tmp_path_factory.mktemp("cells")
    config = directory / "cells.toml"
    config.write_text(f"{SANDBOX_FILE.read_text()}\n{clients_toml()}")
    chosen = settings_in(directory, ORDERGATE_ROLE="api", ORDERGATE_CONFIG=str(config))
    transport = httpx.MockTransport(silent_neighbours().async_handler)
    gateway = create_app(chosen, Outside(transport=transport))
    internal, external = (listener(door, "127.0.0.1", 0, 1) for door in (gateway.internal, gateway.external))
    async with (
        opened(internal),
        opened(external),
        httpx.AsyncClient(base_url=address(external), trust_env=False, timeout=20) as outside,
        httpx.AsyncClient(base_url=address(internal), trust_env=False, timeout=20) as inside,
    ):
        yield {"external": outside, "internal": inside}


TOKENS: dict[tuple[str, str], str] = {}


def token_for(client_id: str, scope: str) -> str:
    return TOKENS.setdefault((client_id, scope), mint(claims_for(ISSUER, client_id, scope=scope)))


def expected(route: Route, scope: str, kind: str, role: str | None) -> str | None:
    """The code of the refusal; None where the sheet lets the caller pass."""
    if scope != route.sheet.scope:
        return "scope-missing"
    if admits(route.sheet, kind, role):
        return None
    return "client-kind-refused" if route.sheet.kinds and kind not in route.sheet.kinds else "role-missing"


@pytest.mark.parametrize("route", [*PUBLIC, *INTERNAL], ids=lambda route: f"{route.method} {route.path}")
async def test_each_scope_kind_and_role_gets_what_the_table_says(doors: Doors, route: Route) -> None:
    door = doors["internal" if route in INTERNAL else "external"]
    path = route.path
    for name in route.parameters:
        path = path.replace(f"{{{name}}}", "1")
    admitted = 0
    for kind, role in callers():
        for scope in SCOPES:
            headers = {"Authorization": f"Bearer {token_for(name_of(kind, role), scope)}"}
            answer = await door.request(route.method, path, headers=headers)
            wanted = expected(route, scope, kind, role)
            if wanted is None:
                assert answer.status_code not in (401, 403), (kind, role, scope, answer.text)
                admitted += 1
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, wanted), (kind, role, scope)
    assert admitted > 0  # a route for nobody would pass everything above


@pytest.mark.parametrize("route", INTERNAL, ids=lambda route: f"{route.method} {route.path}")
async def test_no_role_helps_at_the_external_door(doors: Doors, route: Route) -> None:
    path = route.path
    for name in route.parameters:
        path = path.replace(f"{{{name}}}", "1")
    for kind, role in callers():
        headers = {"Authorization": f"Bearer {token_for(name_of(kind, role), route.sheet.scope)}"}
        answer = await doors["external"].request(route.method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "route-unknown")
