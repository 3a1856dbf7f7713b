"""Routes that end: a whole major at once or one by one, and what every answer of theirs carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

import msgspec

from app.route import Route
from app.shell.endings import Fields
from policies.versioning import Ending, Endings, ending_fields, major_of

NOTHING: Mapping[str, str] = {}


def ended(routes: Iterable[Route], ending: Ending, *, among: Iterable[Route] = ()) -> tuple[Route, ...]:
    """The routes, ending as declared. A route of `among` with the same path under another major is the successor of
    one that names none."""
    following = {(route.method, _without_major(route.path)): route.path for route in among}

    def ended_one(route: Route) -> Route:
        successor = ending.successor or following.get((route.method, _without_major(route.path)))
        own = msgspec.structs.replace(ending, successor=successor)
        return replace(route, sheet=replace(route.sheet, ending=own))

    return tuple(map(ended_one, routes))


def endings_of(routes: Iterable[Route]) -> Endings:
    return {f"{route.method} {route.path}": route.sheet.ending for route in routes if route.sheet.ending}


def fields_by_path(routes: Sequence[Route], base_url: str) -> Fields | None:
    """Says which fields belong on the answer to a call; None where no route ends, so that nobody pays for it."""
    ending = [route for route in routes if route.sheet.ending]

    def fields(method: str, path: str) -> Mapping[str, str]:
        asked = "GET" if method == "HEAD" else method
        here = [route for route in ending if route.matches(path)]
        if not here:
            return NOTHING
        route = next((each for each in here if each.method == asked), here[0])
        given = {name: quote(value, safe="") for name, value in route.parameters_in(path).items()}
        assert route.sheet.ending is not None  # noqa: S101  `ending` holds no other routes
        return ending_fields(route.sheet.ending, base_url, given)

    return fields if ending else None


def _without_major(path: str) -> str:
    return path.replace(f"/{major_of(path)}/", "/", 1)
