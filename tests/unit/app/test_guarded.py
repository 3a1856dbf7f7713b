"""A route that asks too little of its caller stops the start; the table of who may call what is what the routes say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app import access_table
from app.guarded import RouteUnguarded, refuse_unguarded
from app.internal_routes import INTERNAL
from app.main import create_app
from app.routes import PUBLIC
from app.settings import load
from policies.sheet import guarded

PAGE = Path(__file__).parents[3] / "docs" / "access.md"


def test_the_routes_that_are_served_are_guarded() -> None:
    refuse_unguarded(PUBLIC, INTERNAL)


@pytest.mark.parametrize(
    ("sheet", "why"),
    [
        (None, "has no sheet"),
        (guarded("orders:raed"), "which is none"),
        (guarded(""), "which is none"),
        (guarded("ops:read"), "belongs to the internal door"),
    ],
)
def test_a_public_route_without_a_proper_sheet_stops_the_start(sheet: Any, why: str) -> None:
    careless = (*PUBLIC[1:], replace(PUBLIC[0], sheet=sheet))
    with pytest.raises(RouteUnguarded, match=why):
        create_app(load({"ORDERGATE_ENV": "sandbox"}), public=careless)


@pytest.mark.parametrize(
    "sheet",
    [
        None,
        guarded("ops:read"),
        guarded("ops:read", kinds=("operator",)),
        guarded("ops:read", role="operator"),
        guarded("orders:read", kinds=("operator",), role="operator"),
        guarded("ops:read", kinds=("operator", "crm"), role="operator"),
    ],
)
def test_an_internal_route_names_kind_role_and_scope(sheet: Any) -> None:
    with pytest.raises(RouteUnguarded):
        refuse_unguarded(PUBLIC, (replace(INTERNAL[0], sheet=sheet),))


def test_an_internal_route_has_no_place_at_the_external_door() -> None:
    with pytest.raises(RouteUnguarded, match="internal door"):
        refuse_unguarded((replace(INTERNAL[0], sheet=guarded("orders:read")),), INTERNAL)


def test_the_page_of_who_may_call_what_is_what_the_routes_say() -> None:
    assert PAGE.read_text() == access_table.text(), "run `ordergate access --write docs/access.md`"


def test_the_page_has_a_row_for_every_route() -> None:
    rows = [line for line in access_table.text().splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in rows] == [f"{each.method} {each.path}" for each in (*PUBLIC, *INTERNAL)]
