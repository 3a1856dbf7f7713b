"""The public document: complete, valid, in step with the routes and with the file that is committed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from app import contract
from app.contract_members import MEMBERS
from app.problem_table import ROWS
from app.routes import PUBLIC
from policies.sheet import Sheet

COMMITTED = Path(__file__).parents[3] / "openapi" / "v1.json"
DOCUMENT = contract.document()
INSTANTS = {"validUntil", "asOf", "decideBy", "since", "time"}
"""Instants whose names come from the contract, or from CloudEvents, without `At`."""
METHODS = ("get", "post", "put", "patch", "delete")


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, item[method]) for path, item in DOCUMENT["paths"].items() for method in METHODS if method in item
    ]


def parts(node: Any) -> Any:
    yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from parts(each)


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def test_the_document_is_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_the_committed_document_is_the_one_the_routes_make() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == contract.text(), "run `make openapi`"


def test_every_route_has_a_sheet_and_stands_in_the_document_and_the_reverse() -> None:
    assert all(isinstance(route.sheet, Sheet) and route.sheet.scope for route in PUBLIC)
    documented = {(method.upper(), path) for path, method, _ in operations()}
    assert documented == {(route.method, route.path) for route in PUBLIC}
    assert len(PUBLIC) == len({(route.method, route.path) for route in PUBLIC})


def test_an_operation_can_be_generated_from() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for _, _, operation in operations():
        assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"])
        assert operation["summary"]
        assert operation["description"]
        assert set(operation["tags"]) <= tags
        assert operation["security"]


@pytest.mark.parametrize("route", PUBLIC, ids=lambda route: route.operation_id)
def test_a_sheet_is_told(route: Any) -> None:
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    sent = {resolved(each)["name"]: resolved(each)["required"] for each in operation["parameters"]}
    assert operation["security"] == [{"oauth": [route.sheet.scope]}, {"apiKey": []}]
    assert sent.get("Idempotency-Key", False) is route.sheet.once
    assert sent.get("If-Match", False) is route.sheet.if_match
    assert {"X-Correlation-ID", *route.parameters} <= set(sent)
    assert {"400", "401", "403", "429", "500", "503"} <= set(operation["responses"])
    if route.sheet.once:
        assert {"409", "422"} <= set(operation["responses"])
    if route.sheet.if_match:
        assert {"412", "428"} <= set(operation["responses"])


def test_an_operation_names_the_problems_it_may_have_and_no_others() -> None:
    def codes(operation_id: str, status: str) -> set[str]:
        (operation,) = (one for _, _, one in operations() if one["operationId"] == operation_id)
        return set(resolved(operation["responses"][status])["content"]["application/problem+json"]["examples"])

    assert "quote-not-convertible" in codes("convertQuote", "409")
    assert "quote-not-convertible" not in codes("decideChange", "409")
    assert "idempotency-key-missing" in codes("cancelOperation", "400")
    assert "idempotency-key-missing" not in codes("getOrder", "400")
    assert "body-malformed" not in codes("listEvents", "400")


def test_a_list_says_that_it_refuses_a_place_that_is_not_in_it() -> None:
    lists = [
        one
        for _, _, one in operations()
        if {"cursor", "after"} & {resolved(each)["name"] for each in one["parameters"]}
    ]
    assert {one["operationId"] for one in lists} == {"listOperations", "listEvents"}
    assert all("422" in one["responses"] for one in lists)


def test_what_is_asked_is_closed_and_what_is_told_is_open() -> None:
    asked = set()
    for _, _, operation in operations():
        if body := operation.get("requestBody"):
            asked.add(body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1])
    assert asked
    for name in asked:
        assert DOCUMENT["components"]["schemas"][name]["additionalProperties"] is False
    for name, schema in DOCUMENT["components"]["schemas"].items():
        closed = schema.get("additionalProperties") is False
        enums = [each for each in parts(schema) if isinstance(each, dict) and "enum" in each]
        assert closed or not enums, f"{name} tells a closed enum"


def test_every_problem_is_there_as_problem_and_as_plain_json() -> None:
    for response in DOCUMENT["components"]["responses"].values():
        assert set(response["content"]) == {"application/problem+json", "application/json"}


def test_examples_are_what_they_show() -> None:
    registry = Registry().with_resource("urn:document", DRAFT202012.create_resource(DOCUMENT))
    shown = 0
    for node in parts(DOCUMENT):
        if isinstance(node, dict) and "schema" in node and "examples" in node:
            reference = json.loads(json.dumps(node["schema"]).replace('"#/', '"urn:document#/'))
            for example in node["examples"].values():
                Draft202012Validator(reference, registry=registry).validate(resolved(example)["value"])
                shown += 1
    assert shown > len(ROWS) // 2


def test_every_instant_is_a_date_time_and_every_day_ends_in_date() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for member, part in schema.get("properties", {}).items():
            kinds = {each.get("format") for each in (part, *part.get("anyOf", ()))}
            assert ("date-time" in kinds) == (member.endswith("At") or member in INSTANTS), f"{name}.{member}"
            if "date" in kinds:
                assert member.endswith("Date"), f"{name}.{member}"


def test_every_schema_says_what_it_is() -> None:
    assert [name for name, schema in DOCUMENT["components"]["schemas"].items() if "description" not in schema] == []


def test_every_text_of_a_member_has_its_member() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    there = {member for schema in schemas.values() for member in schema.get("properties", ())}
    there |= {f"{name}.{member}" for name, schema in schemas.items() for member in schema.get("properties", ())}
    assert sorted(set(MEMBERS) - there) == []


def test_texts_are_for_callers() -> None:
    for text in (part["description"] for part in parts(DOCUMENT) if isinstance(part, dict) and "description" in part):
        if isinstance(text, str):
            assert not re.search(r"Raises|process_apis|system_apis|\n +", text), text


def test_a_read_with_a_version_may_answer_not_modified() -> None:
    for _, _, operation in operations():
        sent = {resolved(each)["name"] for each in operation["parameters"]}
        assert ("304" in operation["responses"]) == ("If-None-Match" in sent)


def test_schemas_have_plain_names() -> None:
    assert [name for name in DOCUMENT["components"]["schemas"] if not name.isalnum()] == []
