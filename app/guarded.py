"""Nothing is served that does not say what it asks of its caller: a route without a sheet stops the start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from app.route import Route
from app.world import Scope
from policies.sheet import Sheet

OPERATORS = ("operator",)


class RouteUnguarded(Exception):
    """A route that would be open, or open to the wrong people."""


def refuse_unguarded(public: Sequence[Route], internal: Sequence[Route]) -> None:
    """Raise RouteUnguarded for the first route that asks too little of its caller."""
    for route in (*public, *internal):
        if not isinstance(route.sheet, Sheet):
            raise RouteUnguarded(f"{route.method} {route.path} has no sheet: say what it asks of its caller")
        if route.sheet.scope not in get_args(Scope):
            raise RouteUnguarded(f"{route.method} {route.path} asks for the scope {route.sheet.scope!r}, which is none")
    for route in public:
        if route.sheet.scope.startswith("ops:") or route.path.startswith("/internal/"):
            raise RouteUnguarded(f"{route.method} {route.path} belongs to the internal door")
    for route in internal:
        if route.sheet.kinds != OPERATORS or not route.sheet.roles or not route.sheet.scope.startswith("ops:"):
            raise RouteUnguarded(f"{route.method} {route.path} is for operators: name kind, role and an ops: scope")
