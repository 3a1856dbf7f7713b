"""`openapi/scheduler-v1.json`: valid in itself, and what the adapter, the sandbox and the conformance kit agree on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from system_apis.deadline import Deadline
from system_apis.errors import NotFoundInSystem, SystemRefused, VersionMoved
from system_apis.scheduler.conformance import shapes
from system_apis.scheduler.drift import USED
from system_apis.scheduler.http_adapter import HttpScheduler, connect
from system_apis.scheduler.models import Requirement
from tests.contract.scheduler.shim import KEY, TODAY, Shim, serving
from tests.sandbox import RunningSandbox

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[3] / "openapi" / "scheduler-v1.json").read_text())
REGISTRY = Registry().with_resource("urn:document", DRAFT202012.create_resource(DOCUMENT))
SHAPES = (
    "Health",
    "Capabilities",
    "Scenario",
    "PlannedLine",
    "Piece",
    "Commitments",
    "Commitment",
    "Changes",
    "Refusal",
)


class Recorded(httpx.AsyncHTTPTransport):
    """The real transport, and what went through it."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[tuple[httpx.Request, int, httpx.Headers, bytes]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        body = await answer.aread()
        await answer.aclose()
        self.exchanges.append((request, answer.status_code, answer.headers, body))
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    located = {"$ref": f"urn:document{schema['$ref']}"} if "$ref" in schema else schema
    validator = Draft202012Validator(located, registry=REGISTRY, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def operation_of(request: httpx.Request) -> tuple[str, dict[str, Any]]:
    """The documented operation of a request, by its path template."""
    for template, item in DOCUMENT["paths"].items():
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, request.url.path) and request.method.lower() in item:
            return template, item[request.method.lower()]
    raise AssertionError(f"{request.method} {request.url.path} is not in the document")


def disagreements(request: httpx.Request, status: int, headers: httpx.Headers, body: bytes) -> Iterator[str]:
    """Where an exchange is not what the document says."""
    template, operation = operation_of(request)
    at = f"{request.method} {template} {status}"
    if request.content:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        yield from (f"{at} request {fault}" for fault in faults(schema, json.loads(request.content)))
    known = {parameter["name"].lower() for parameter in map(resolved, operation.get("parameters", []))}
    conditions = {"if-match", "if-none-match"} & set(request.headers)
    yield from (f"{at} sends {name}" for name in conditions - known)
    if str(status) not in operation["responses"]:
        yield f"{at} is not documented"
        return
    response = resolved(operation["responses"][str(status)])
    yield from (f"{at} lacks {name}" for name in response.get("headers", {}) if name.lower() not in headers)
    if "content" not in response:
        yield from [f"{at} has a body"] if body else []
        return
    schema = response["content"]["application/json"]["schema"]
    yield from (f"{at} answer {fault}" for fault in faults(schema, json.loads(body)))


async def walk(scheduler: HttpScheduler, material: str, plant: str, due: date) -> None:
    """Everything that the adapter can ask, refusals among it."""
    deadline = Deadline.after(20)
    needs = [
        Requirement("10", material, Decimal("12.5"), "C62", due),
        Requirement("20", "NOBODY-MAKES-IT", Decimal(3), "C62", due),
    ]
    before = (await scheduler.health(deadline=deadline)).plan_version
    assert before is not None
    assert (await scheduler.capabilities(deadline=deadline)).changes
    scenario = await scheduler.simulate(plant, needs, order_reference=None, deadline=deadline)
    held = await scheduler.commit(scenario, "DOC-1", if_version=None, deadline=deadline)
    await scheduler.commit(scenario, "DOC-1", if_version=held.version, deadline=deadline)
    with pytest.raises(VersionMoved):
        await scheduler.commit(scenario, "DOC-1", if_version="0", deadline=deadline)
    anew = await scheduler.simulate(plant, needs, order_reference="DOC-1", deadline=deadline)
    assert (await scheduler.commitments("DOC-1", deadline=deadline)) is not None
    changes = await scheduler.changes(before, limit=10, deadline=deadline)
    assert [order.order_reference for order in changes.orders] == ["DOC-1"]
    assert changes.horizon_end == held.horizon_end
    with pytest.raises(SystemRefused, match="planVersionGone"):
        await scheduler.changes("NEVER", deadline=deadline)
    await scheduler.discard(anew.scenario_id, deadline=deadline)
    with pytest.raises(NotFoundInSystem, match="scenarioUnknown"):
        await scheduler.commit(anew, "DOC-1", if_version=None, deadline=deadline)
    with pytest.raises(NotFoundInSystem, match="plantUnknown"):
        await scheduler.simulate("NOWHERE", needs, order_reference=None, deadline=deadline)
    for _ in range(2):
        await scheduler.release("DOC-1", deadline=deadline)
    assert await scheduler.commitments("DOC-1", deadline=deadline) is None


def test_the_document_is_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_every_example_is_what_it_shows() -> None:
    shown = 0
    for node in parts(DOCUMENT):
        if isinstance(node, dict) and "schema" in node and "example" in node:
            assert faults(node["schema"], node["example"]) == []
            shown += 1
    assert shown >= len(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_the_kit_asks_for_what_the_document_says(name: str) -> None:
    """Members, which of them must be there, and their types, patterns and bounds."""
    documented = DOCUMENT["components"]["schemas"][name]
    (ref,), made = msgspec.json.schema_components([getattr(shapes, name)], ref_template="#/components/schemas/{name}")
    asked = made[ref["$ref"].rsplit("/", 1)[1]]
    assert set(asked["required"]) == set(documented["required"])
    assert {key: bare(each) for key, each in asked["properties"].items()} == {
        key: bare(each) for key, each in documented["properties"].items()
    }


def test_the_adapter_uses_nothing_that_is_not_documented() -> None:
    for use in USED:
        assert use.method in DOCUMENT["paths"][use.path], use


async def test_the_adapter_and_the_sandbox_keep_to_the_document(fresh_sandbox: RunningSandbox) -> None:
    recorded = Recorded()
    url = fresh_sandbox.urls["scheduler"]
    scheduler = connect(instance="aps", base_url=url, api_key="scheduler-sandbox-key", transport=recorded)
    due = date.fromisoformat(fresh_sandbox.world()["today"]) + timedelta(days=10)
    await walk(scheduler, "FG126", "1710", due)
    await scheduler.aclose()
    assert [fault for exchange in recorded.exchanges for fault in disagreements(*exchange)] == []
    walked = {(request.method, operation_of(request)[0]) for request, *_ in recorded.exchanges}
    documented = {
        (method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item if method != "parameters"
    }
    assert walked == documented, "every operation was walked"


async def test_a_disagreement_would_be_seen() -> None:
    recorded = Recorded()
    with serving(Shim("answers with numbers")) as url:
        scheduler = connect(instance="aps", base_url=url, api_key=KEY, transport=recorded)
        needs = [Requirement("10", "FG1", Decimal(3), "C62", TODAY)]
        await scheduler.simulate("P1", needs, order_reference=None, deadline=Deadline.after(5))
        await scheduler.aclose()
    found = [fault for exchange in recorded.exchanges for fault in disagreements(*exchange)]
    assert found
    assert "is not of type 'string'" in found[0]


def parts(node: Any) -> Iterator[Any]:
    yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from parts(each)


def bare(schema: dict[str, Any]) -> Any:
    """A schema without its prose, with `anyOf` null as a list of types, so that two writers' forms can be compared."""
    if "anyOf" in schema:
        kinds = [bare(each) for each in schema["anyOf"]]
        merged: dict[str, Any] = {}
        for kind in kinds:
            merged |= kind
        return merged | {"type": sorted(str(kind["type"]) for kind in kinds)}
    kept = {key: each for key, each in schema.items() if key not in ("description", "default", "maximum", "title")}
    if isinstance(kept.get("type"), list):
        kept["type"] = sorted(kept["type"])
    if kept.get("format") == "int32":
        del kept["format"]
    if "items" in kept:
        kept["items"] = bare(kept["items"])
    return kept
