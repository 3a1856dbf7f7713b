"""The examples of the documents: one for all that is taken and told, each of them of its type and of its schema."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4, DRAFT202012

from app import contract
from app.contract_examples import FOLDER, REQUEST, examples_of
from app.contract_flat import flat
from app.contract_words import INTERNAL_INFO
from app.decoding import decode
from app.encoding import to_json
from app.internal_routes import INTERNAL
from app.problems import JSON
from app.route import Route
from app.routes import PUBLIC

ROUTES = {route.operation_id: route for route in (*PUBLIC, *INTERNAL)}
DOCUMENTS = {
    "v1": contract.document(),
    "v1-3.0": flat(contract.document()),
    "internal-v1": contract.document(INTERNAL, INTERNAL_INFO),
}
SHOWN = [
    pytest.param(ROUTES[file.stem], part, one["value"], id=f"{file.stem}-{part}-{name}")
    for file in sorted(FOLDER.iterdir())
    for part, named in examples_of(file.stem).items()
    for name, one in named.items()
]
LONGEST = 20_000
"""Characters of one operation's examples: what is longer is not read."""


@pytest.mark.parametrize("route", PUBLIC, ids=lambda route: route.operation_id)
def test_a_public_operation_shows_its_body_and_each_of_its_answers(route: Route) -> None:
    parts = {REQUEST} if route.takes else set[str]()
    assert set(examples_of(route.operation_id)) == parts | {str(status) for status in route.statuses}


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda file: file.stem)
def test_a_file_is_of_an_operation_and_short_and_each_example_says_what_it_shows(file: Any) -> None:
    route = ROUTES[file.stem]
    page = examples_of(file.stem)
    assert set(page) <= {REQUEST, *map(str, route.statuses)}
    assert all(one["summary"] for named in page.values() for one in named.values())
    assert len(file.read_text()) <= LONGEST


@pytest.mark.parametrize(("route", "part", "value"), SHOWN)
def test_an_example_is_a_value_of_its_type_whole_and_with_nothing_beside(route: Route, part: str, value: Any) -> None:
    text = msgspec.json.encode(value)
    if part == REQUEST:
        assert route.takes
        decode(text, route.takes, strictly_once=True)
        return
    assert any(told_again(text, kind) == value for kind in route.returns), "no kind of answer says just that"


def told_again(text: bytes, kind: type) -> Any:
    """What it says once it is of the type, with the members that it had not; None if it cannot be of it."""
    try:
        return msgspec.json.decode(to_json(msgspec.json.decode(text, type=kind)))
    except msgspec.ValidationError:
        return None


@pytest.mark.parametrize(("route", "part", "value"), SHOWN)
def test_an_example_is_valid_by_every_document_that_has_its_operation(route: Route, part: str, value: Any) -> None:
    having = {name: found for name, document in DOCUMENTS.items() if (found := content_of(document, route, part))}
    assert set(having) == ({"v1", "v1-3.0"} if route in PUBLIC else {"internal-v1"})
    for name, content in having.items():
        kind, draft = (OAS30Validator, DRAFT4) if name == "v1-3.0" else (Draft202012Validator, DRAFT202012)
        resource: Resource[Any] = draft.create_resource(as_generators_read(DOCUMENTS[name]))
        registry: Registry[Any] = Registry().with_resource("urn:document", resource)
        schema = json.loads(json.dumps(as_generators_read(content["schema"])).replace('"#/', '"urn:document#/'))
        kind(schema, registry=registry).validate(value)


def as_generators_read(node: Any) -> Any:
    """`nullable` beside a reference: 3.0 has no word for it, validators to the letter let the reference decide, and
    whoever makes code of a document of 3.0 takes it as what it is meant to be."""
    if isinstance(node, list):
        return [as_generators_read(each) for each in node]
    if not isinstance(node, dict):
        return node
    read = {name: as_generators_read(each) for name, each in node.items()}
    if read.get("nullable") is True and "allOf" in read:
        return {"anyOf": [{"enum": [None], "nullable": True}, {"allOf": read["allOf"]}]}
    return read


def content_of(document: Any, route: Route, part: str) -> Any:
    operation = document["paths"].get(route.path, {}).get(route.method.lower())
    if operation is None:
        return None
    return (operation["requestBody"] if part == REQUEST else operation["responses"][part])["content"][JSON]


def test_the_document_shows_them_and_the_flat_one_stays_small() -> None:
    for route in PUBLIC:
        for part, named in examples_of(route.operation_id).items():
            assert content_of(DOCUMENTS["v1"], route, part)["examples"] == named
            assert "examples" not in content_of(DOCUMENTS["v1-3.0"], route, part)
