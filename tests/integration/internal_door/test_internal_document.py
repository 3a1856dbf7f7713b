"""The document of the internal door: valid, in step with its routes, and kept beside the public one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app import contract
from app.contract_words import INTERNAL_INFO
from app.internal_routes import INTERNAL
from app.route import Route
from app.routes import PUBLIC

COMMITTED = Path(__file__).parents[3] / "openapi" / "internal-v1.json"
DOCUMENT = contract.document(INTERNAL, INTERNAL_INFO)


def test_it_is_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_the_committed_document_is_the_one_the_routes_make() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == contract.internal_text(), "run `make openapi`"
    assert set(contract.texts()) == {"v1.json", "v1-3.0.json", "internal-v1.json"}


def test_every_route_stands_in_it_and_none_in_the_public_one() -> None:
    documented = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert documented == {(route.method, route.path) for route in INTERNAL}
    public = contract.document(PUBLIC)
    assert not set(public["paths"]) & set(DOCUMENT["paths"])
    assert "ops:read" not in json.dumps(public)
    assert "/internal/" not in json.dumps(public)


@pytest.mark.parametrize("route", INTERNAL, ids=lambda route: route.operation_id)
def test_a_route_is_for_operators(route: Route) -> None:
    """Who only looks needs no more than a scope for looking; who changes something says so once."""
    assert route.sheet.kinds == ("operator",)
    assert route.sheet.once == (route.method == "POST")
    assert (route.sheet.scope in ("ops:read", "ops:audit")) == (route.method == "GET") or route.sheet.roles
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    assert operation["security"][0] == {"oauth": [route.sheet.scope]}
    forbidden = DOCUMENT["components"]["responses"]["Forbidden"]["content"]["application/json"]["examples"]
    assert {"scope-missing", "client-kind-refused"} <= set(forbidden)
