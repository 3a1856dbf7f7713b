"""Who may call what: the table `docs/access.md`, made of the routes and their sheets, never by hand."""

from __future__ import annotations

from collections.abc import Sequence

from app.internal_routes import INTERNAL
from app.route import Route
from app.routes import PUBLIC
from policies.sheet import Sheet

KINDS = ("crm", "partner", "portal", "service")
ROLES = ("operator", "keyAdmin", "auditor")
YES, NO = "yes", "no"

_HEAD = """# Who may call what

Made from the routes by `ordergate access`; do not edit. A call needs the **scope** on the route's sheet, granted by its
credential *and* allowed to its client; without it the answer is 403 `scope-missing`. The columns are the kinds of
clients, operators by their role. `no` is 403 `client-kind-refused` or `role-missing` even with the scope. What a client
then sees are its own customers' things: all others are 404, as if they did not exist.
"""


def text(public: Sequence[Route] = PUBLIC, internal: Sequence[Route] = INTERNAL) -> str:
    """The page, as it is kept in `docs/access.md`."""
    return f"{_HEAD}\n## External door\n\n{_table(public)}\n\n## Internal door\n\n{_table(internal)}\n"


def admits(sheet: Sheet, kind: str, role: str | None = None) -> bool:
    """Whether a client of the kind, with the role, gets past the sheet if it has the scope."""
    return (not sheet.kinds or kind in sheet.kinds) and (not sheet.roles or role in sheet.roles)


def callers() -> list[tuple[str, str | None]]:
    """Kind and role of every column."""
    return [*((kind, None) for kind in KINDS), *(("operator", role) for role in ROLES)]


def _table(routes: Sequence[Route]) -> str:
    columns = ["route", "scope", *(role or kind for kind, role in callers())]
    rows = [_row(columns), _row(["---"] * len(columns))]
    for route in routes:
        cells = [YES if admits(route.sheet, kind, role) else NO for kind, role in callers()]
        rows.append(_row([f"`{route.method} {route.path}`", f"`{route.sheet.scope}`", *cells]))
    return "\n".join(rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
