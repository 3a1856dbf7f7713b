"""What Litestar serves, compared with what is declared: nothing is open by accident."""

from __future__ import annotations

from pathlib import Path

from litestar import Litestar
from litestar.routes import HTTPRoute

from app import settings
from app.internal_routes import INTERNAL
from app.main import create_app
from app.routes import PUBLIC

OPEN = {
    "/livez",
    "/docs",
    "/docs/problems",
    "/openapi/v1.json",
    "/openapi/v1-3.0.json",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/api",
}
INSIDE = {"/livez", "/readyz", "/metrics", "/openapi/internal-v1.json"}


def served(door: object) -> set[tuple[str, str]]:
    """Method and path of everything behind the shell."""
    while not isinstance(door, Litestar):
        door = door._app  # type: ignore[attr-defined]  # the shell's layers, from the outside in
    return {
        (method, each.path_format)
        for each in door.routes
        if isinstance(each, HTTPRoute)
        for method in each.methods
        if method != "OPTIONS"
    }


def test_every_served_route_is_declared_and_every_declared_one_is_served(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/x.db"
    gateway = create_app(settings.load({"ORDERGATE_ENV": "sandbox", "ORDERGATE_DATABASE_URL": database}))
    declared = {(route.method, route.path) for route in PUBLIC}
    assert served(gateway.external) == declared | {("GET", path) for path in OPEN}
    within = {(route.method, route.path) for route in INTERNAL}
    assert served(gateway.internal) == within | {("GET", path) for path in INSIDE}
    assert not within & served(gateway.external), "nothing internal is reachable from outside"
    assert all(route.sheet.kinds == ("operator",) for route in INTERNAL)
