"""Drift of a scheduler: its abilities and its own document against what we use, difference by difference."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from system_apis.deadline import Deadline
from system_apis.drift import Finding
from system_apis.scheduler.drift import compare
from system_apis.scheduler.http_adapter import connect
from tests.sandbox import RunningSandbox

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[3] / "openapi" / "scheduler-v1.json").read_text())
ABLE: dict[str, Any] = {
    "product": "APS",
    "apiVersion": "1",
    "plants": ["1710", "1720"],
    "simulate": True,
    "maxLines": 100,
    "changes": True,
    "planVersion": "8841",
    "horizonEnd": "2030-06-30",
}
ORDERS = "/v1/orders/{orderReference}/commitments"
Change = Callable[[dict[str, Any]], object]


def compared(able: Any = ABLE, document: Any = DOCUMENT) -> list[Finding]:
    return list(compare("aps-1710", able=able, document=document, plants=["1710"]))


def differences(findings: list[Finding]) -> list[tuple[str, str, str | None]]:
    assert {(each.system, each.instance) for each in findings} <= {("scheduler", "aps-1710")}
    assert all(each.detail.endswith(".") for each in findings), "each is told in a sentence"
    return [(each.kind, each.entity, each.field) for each in findings]


def test_our_own_document_has_not_drifted() -> None:
    assert compared() == []
    assert compared(document=None) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda able: able.update(apiVersion="2"), ("versionNotServed", "/v1/capabilities", "apiVersion")),
        (lambda able: able.update(simulate=False), ("notCallable", "/v1/scenarios", None)),
        (lambda able: able.update(plants=["1720"]), ("missing", "/v1/capabilities", "plants")),
        (lambda able: able.update(maxLines=40), ("tooShort", "/v1/capabilities", "maxLines")),
        (lambda able: able.pop("product"), ("missing", "/v1/capabilities", "product")),
        (lambda able: able.update(maxLine=able.pop("maxLines")), ("renamed", "/v1/capabilities", "maxLines")),
        (lambda able: able.update(maxLines="100"), ("wrongType", "/v1/capabilities", "maxLines")),
        (lambda able: able.update(plants="1710"), ("wrongType", "/v1/capabilities", "plants")),
    ],
)
def test_an_ability_that_changed_is_found(change: Change, found: tuple[str, str, str | None]) -> None:
    able = copy.deepcopy(ABLE)
    change(able)
    assert differences(compared(able=able)) == [found]


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def rename_path(document: dict[str, Any]) -> None:
    document["paths"]["/v1/scenario"] = document["paths"].pop("/v1/scenarios")


def rename_unplanned(document: dict[str, Any]) -> None:
    properties = schema(document, "PlannedLine")["properties"]
    properties["unplaned"] = properties.pop("unplanned")


def want_priority(document: dict[str, Any]) -> None:
    schema(document, "Requirement")["properties"]["priority"] = {"type": "integer"}
    schema(document, "Requirement")["required"].append("priority")


def refuse_order_reference(document: dict[str, Any]) -> None:
    del schema(document, "NewScenario")["properties"]["orderReference"]
    schema(document, "NewScenario")["additionalProperties"] = False


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda doc: doc["paths"].pop("/v1/health"), [("missing", "/v1/health", None)]),
        (rename_path, [("renamed", "/v1/scenarios", None)]),
        (lambda doc: doc["paths"][ORDERS].pop("put"), [("notCallable", ORDERS, None)]),
        (rename_unplanned, [("renamed", "/v1/scenarios/lines[]", "unplanned")]),
        (
            lambda doc: schema(doc, "Piece")["properties"].update(quantity={"type": "number"}),
            [("wrongType", "/v1/scenarios/lines[]/pieces[]", "quantity")],
        ),
        (
            lambda doc: schema(doc, "Commitments")["properties"].pop("version"),
            [("missing", ORDERS, "version")] * 2,  # read by GET and by PUT
        ),
        (want_priority, [("notCallable", "/v1/scenarios/requirements[]", "priority")]),
        (refuse_order_reference, [("notCreatable", "/v1/scenarios", "orderReference")]),
        (
            lambda doc: doc["paths"]["/v1/scenarios"]["post"]["responses"].pop("201"),
            [("missing", "/v1/scenarios", None)],
        ),
    ],
)
def test_a_document_that_changed_is_found(change: Change, found: list[tuple[str, str, str | None]]) -> None:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    assert differences(compared(document=document)) == found


@pytest.mark.parametrize("document", [{}, [], "no document", {"paths": []}, {"paths": {"/v1/health": {"get": None}}}])
def test_what_is_no_document_is_findings_and_no_failure(document: Any) -> None:
    assert ("missing", "/v1/scenarios", None) in differences(compared(document=document))


def test_a_document_that_refers_in_circles_is_read_to_an_end() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["components"]["schemas"]["Health"] = {"$ref": "#/components/schemas/Health"}
    assert ("missing", "/v1/health", "status") in differences(compared(document=document))


async def test_a_served_document_is_read() -> None:
    document = copy.deepcopy(DOCUMENT)
    rename_path(document)
    answers = {"/v1/capabilities": ABLE, "/v1/openapi.json": document}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=answers[request.url.path]))
    scheduler = connect(instance="aps-1710", base_url="https://aps.example", api_key="k", transport=transport)
    assert differences(list(await scheduler.drift(deadline=Deadline.after(5)))) == [("renamed", "/v1/scenarios", None)]


async def test_the_sandbox_has_not_drifted_and_lacks_a_plant_of_nobody(sandbox: RunningSandbox) -> None:
    for plants, found in (
        (("1710", "1720"), []),
        (("1710", "1799"), [("missing", "/v1/capabilities", "plants")]),
    ):
        url, key = sandbox.urls["scheduler"], "scheduler-sandbox-key"
        scheduler = connect(instance="aps-1710", base_url=url, api_key=key, plants=plants)
        assert differences(list(await scheduler.drift(deadline=Deadline.after(5)))) == found
        await scheduler.aclose()
