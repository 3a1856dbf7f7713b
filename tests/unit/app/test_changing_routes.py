"""What every route that changes something has in common, at both doors."""

from __future__ import annotations

import pytest

from app.internal_routes import INTERNAL
from app.route import Route
from app.routes import PUBLIC

CHANGES_NOTHING = {"checkAvailability"}
"""A question that is asked with a body."""
POSTS = [route for route in (*PUBLIC, *INTERNAL) if route.method == "POST"]


@pytest.mark.parametrize("route", POSTS, ids=lambda route: route.operation_id)
def test_it_asks_for_an_idempotency_key(route: Route) -> None:
    assert route.sheet.once is (route.operation_id not in CHANGES_NOTHING)


@pytest.mark.parametrize(
    "route", [each for each in POSTS if 202 in each.statuses], ids=lambda route: route.operation_id
)
def test_what_it_started_can_be_looked_at_again_by_a_repeat(route: Route) -> None:
    assert route.monitor is not None


@pytest.mark.parametrize("route", [*PUBLIC, *INTERNAL], ids=lambda route: route.operation_id)
def test_nothing_but_get_and_post_is_served(route: Route) -> None:
    assert route.method in ("GET", "POST")
    assert not (route.method == "GET" and route.sheet.once)
