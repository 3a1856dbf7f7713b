"""The flat edition: valid OpenAPI 3.0, nothing in it that its readers stumble over, and all that 3.1 says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from app import contract
from app.contract_flat import flat

COMMITTED = Path(__file__).parents[3] / "openapi" / "v1-3.0.json"
SOURCE = contract.document()
FLAT = flat(SOURCE)
NOT_IN_3_0 = {"const", "$defs", "patternProperties", "if", "then", "else", "contentEncoding", "prefixItems", "webhooks"}
METHODS = ("get", "post")


def nodes(node: Any) -> Any:
    yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(each)


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["operationId"]: one for item in document["paths"].values() for one in item.values()}


def test_it_is_openapi_3_0() -> None:
    assert FLAT["openapi"] == "3.0.3"
    assert list(OpenAPIV30SpecValidator(FLAT).iter_errors()) == []


def test_the_committed_document_is_the_one_the_routes_make() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == contract.flat_text(), "run `make openapi`"


def test_it_holds_nothing_that_its_readers_stumble_over() -> None:
    for node in nodes(FLAT):
        if isinstance(node, dict):
            assert not NOT_IN_3_0 & set(node)
            assert not {"anyOf", "oneOf", "discriminator"} & set(node), node
            assert node.get("type") != "null"
            assert not isinstance(node.get("type"), list)
            assert "$ref" not in node or len(node) == 1, node
    for one in operations(FLAT).values():
        for response in one["responses"].values():
            assert set(response.get("content", {"application/json"})) == {"application/json"} or "$ref" in response
            assert "headers" not in response
        assert "requestBody" not in one or one["operationId"] not in operations_of("get")


def operations_of(method: str) -> set[str]:
    return {item[method]["operationId"] for item in FLAT["paths"].values() if method in item}


def test_it_offers_the_same_operations_with_the_same_members() -> None:
    there = operations(FLAT)
    assert list(there) == list(operations(SOURCE))
    for name, one in operations(SOURCE).items():
        kept = {status for status in one["responses"] if not status.startswith("3")}
        assert set(there[name]["responses"]) == kept
    members = {member for schema in SOURCE["components"]["schemas"].values() for member in schema.get("properties", ())}
    told = {member for schema in FLAT["components"]["schemas"].values() for member in schema.get("properties", ())}
    assert told == members


def test_what_two_kinds_of_an_answer_have_is_one_schema_and_only_what_both_have_is_required() -> None:
    kinds = SOURCE["components"]["schemas"]
    assert not [name for name in FLAT["components"]["schemas"] if name.startswith(("Internal", "Partner"))]
    order = FLAT["components"]["schemas"]["Order"]
    both = set(kinds["InternalOrder"]["required"]) & set(kinds["PartnerOrder"]["required"])
    assert set(order["required"]) == both
    assert set(order["properties"]) == {*kinds["InternalOrder"]["properties"], *kinds["PartnerOrder"]["properties"]}


def test_ids_that_a_flow_needs_stand_in_bodies() -> None:
    for name in ("Operation", "ChangeRequest"):
        assert {"href", "etag", "retryAfterSeconds"} <= set(FLAT["components"]["schemas"][name]["properties"]), name


def test_two_kinds_that_contradict_stop_the_generation() -> None:
    broken = json.loads(json.dumps(SOURCE))
    broken["components"]["schemas"]["PartnerOrder"]["properties"]["etag"] = {"type": "integer"}
    with pytest.raises(ValueError, match=r"Order\.etag"):
        flat(broken)
