"""System APIs as governed reads: each system by its instance, in our words, with its source."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from app import contract
from app.internal_routes import INTERNAL
from system_apis.scheduler.models import Requirement
from tests.integration.neighbours.clients import demand, erp_of, new_order, scheduler_of, soon
from tests.sandbox import RunningSandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")

SYSTEMS = "/internal/v1/systems"
DOCUMENT = contract.document(INTERNAL)
REGISTRY = Registry().with_resource("urn:document", DRAFT202012.create_resource(DOCUMENT))


def told(answer: httpx.Response, operation_id: str) -> dict[str, Any]:
    """The body of a 200, which is what the document says."""
    assert answer.status_code == 200, answer.text
    (operation,) = [
        item["get"] for item in DOCUMENT["paths"].values() if item.get("get", {}).get("operationId") == operation_id
    ]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator(
        {"$ref": f"urn:document{schema['$ref']}"}, registry=REGISTRY, format_checker=FormatChecker()
    )
    body: dict[str, Any] = answer.json()
    validator.validate(body)
    return body


def came_from(body: dict[str, Any], system: str, instance: str) -> None:
    source = body["source"]
    assert (source["system"], source["instance"]) == (system, instance)
    age = datetime.now(UTC) - datetime.fromisoformat(source["fetchedAt"])
    assert timedelta(0) <= age < timedelta(seconds=20)


def in_days(sandbox: RunningSandbox, days: int) -> date:
    return date.fromisoformat(sandbox.world()["today"]) + timedelta(days=days)


async def test_the_state_of_every_instance(operator: httpx.AsyncClient) -> None:
    body = told(await operator.get(SYSTEMS), "listSystems")
    states = {each["instance"]: each for each in body["systems"]}
    assert {name: each["system"] for name, each in states.items()} == {
        "s4-1710": "erp",
        "crm-main": "crm",
        "aps-1710": "scheduler",
    }
    assert {(each["state"], each["reason"]) for each in states.values()} == {("up", None)}
    assert all(each["roundTripMs"] >= 0 and each["checkedAt"] and each["lastAnswerAt"] for each in states.values())
    assert all(each["breakers"] == [] for each in states.values())


async def test_an_erp_order_is_read_as_it_stands(operator: httpx.AsyncClient, fresh_sandbox: RunningSandbox) -> None:
    erp = erp_of(fresh_sandbox)
    day = in_days(fresh_sandbox, 5)
    lines = demand("1", "TG11", "5", day), demand("2", "TG13", "2", day)
    order = await erp.create_order(new_order(fresh_sandbox, "op_INTERNALREADS", *lines), deadline=soon())
    await erp.aclose()
    body = told(await operator.get(f"{SYSTEMS}/erp/s4-1710/orders/{order.number}"), "readErpOrder")
    came_from(body, "erp", "s4-1710")
    assert (body["number"], body["reference"], body["soldTo"]) == (order.number, "op_INTERNALREADS", "17100001")
    assert (body["version"], body["requestedDate"], body["deliveryBlock"]) == (order.etag, str(day), None)
    assert [(item["item"], item["material"], item["quantity"]) for item in body["items"]] == [
        ("10", "TG11", {"value": "5", "unit": "C62"}),
        ("20", "TG13", {"value": "2", "unit": "C62"}),
    ]
    (line,) = body["items"][0]["schedule"]
    assert (line["requestedDate"], line["confirmed"]) == (str(day), {"value": "5", "unit": "C62"})
    assert body["items"][0]["netAmount"]["currency"] == "USD"


async def test_stock_is_told_in_base_units(operator: httpx.AsyncClient) -> None:
    asked = {"material": "TG20", "plant": "1710"}
    body = told(await operator.get(f"{SYSTEMS}/erp/s4-1710/stock", params=asked), "readErpStock")
    came_from(body, "erp", "s4-1710")
    assert body["quantity"] == {"value": "0", "unit": "C62"}


async def test_availability_is_told_for_a_day(operator: httpx.AsyncClient, sandbox: RunningSandbox) -> None:
    asked = {"material": "TG12", "plant": "1710", "quantity": "100", "unit": "C62"}
    asked["requestedDate"] = str(in_days(sandbox, 5))
    body = told(await operator.get(f"{SYSTEMS}/erp/s4-1710/availability", params=asked), "readErpAvailability")
    came_from(body, "erp", "s4-1710")
    assert body["asked"] == {"value": "100", "unit": "C62"}
    assert Decimal(body["available"]["value"]) < 100, "the rest comes with a receipt"
    assert body["completeAt"] is not None
    assert body["refused"] is None


async def test_what_the_erp_cannot_say_is_refused_in_its_words(
    operator: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    asked = {"material": "TG11", "plant": "1710", "quantity": "1", "unit": "KGM"}
    asked["requestedDate"] = str(in_days(sandbox, 5))
    body = told(await operator.get(f"{SYSTEMS}/erp/s4-1710/availability", params=asked), "readErpAvailability")
    assert body["available"] is None
    assert body["refused"]["code"]


async def test_a_quote_is_read_in_whatever_state(operator: httpx.AsyncClient, sandbox: RunningSandbox) -> None:
    quote_id = sandbox.quote_id("Q-1004")
    body = told(await operator.get(f"{SYSTEMS}/crm/crm-main/quotes/{quote_id}"), "readCrmQuote")
    came_from(body, "crm", "crm-main")
    assert (body["quoteId"], body["name"], body["state"], body["customer"]) == (
        quote_id,
        "Q-1004",
        "rejected",
        "17100001",
    )
    assert body["lines"][0]["quantity"] == {"value": "10", "unit": "C62"}


async def test_what_the_plan_holds_is_read_with_its_horizon(
    operator: httpx.AsyncClient, fresh_sandbox: RunningSandbox
) -> None:
    scheduler = scheduler_of(fresh_sandbox)
    needs = [Requirement("10", "FG226", Decimal(5), "C62", in_days(fresh_sandbox, 10))]
    scenario = await scheduler.simulate("1710", needs, order_reference=None, deadline=soon())
    held = await scheduler.commit(scenario, "READ-1", if_version=None, deadline=soon())
    path = f"{SYSTEMS}/scheduler/aps-1710/commitments/READ-1"
    body = told(await operator.get(path), "readCommitments")
    came_from(body, "scheduler", "aps-1710")
    assert (body["planVersion"], body["version"], body["plant"]) == (held.plan_version, held.version, "1710")
    assert body["horizonEndDate"] == str(held.horizon_end)
    assert sum(Decimal(line["quantity"]["value"]) for line in body["lines"]) == 5
    await scheduler.release("READ-1", deadline=soon())
    await scheduler.aclose()
    assert (await operator.get(path)).status_code == 404, "it holds nothing any more"


@pytest.mark.parametrize(
    "path",
    [
        "erp/s4-9999/orders/1",
        "erp/crm-main/orders/1",
        "erp/s4-9999/stock?material=TG11&plant=1710",
        "erp/s4-9999/availability?material=TG11&plant=1710&quantity=1&unit=C62&requestedDate=2030-01-01",
        "erp/s4-1710/availability?material=TG11&plant=1799&quantity=1&unit=C62&requestedDate=2030-01-01",
        "crm/aps-1710/quotes/0Q0000000000001AAA",
        "scheduler/crm-main/commitments/1",
        "erp/s4-1710/orders/999999999",
        "crm/crm-main/quotes/nonsense",
        "crm/crm-main/quotes/0Q0000000000001AAA",
        "scheduler/aps-1710/commitments/NEVER",
    ],
)
async def test_an_instance_or_a_thing_that_is_not_there_is_not_found(operator: httpx.AsyncClient, path: str) -> None:
    answer = await operator.get(f"{SYSTEMS}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    "query",
    [
        "material=TG11",
        "material=TG11&plant=1710&quantity=NaN&unit=C62&requestedDate=2030-01-01",
        "material=TG11&plant=1710&quantity=1&unit=C62&requestedDate=soon",
        "material=TG11&plant=1710&quantity=1&unit=C62&requestedDate=2030-01-01&soldTo=1",
    ],
)
async def test_a_question_that_cannot_be_read_is_refused(operator: httpx.AsyncClient, query: str) -> None:
    answer = await operator.get(f"{SYSTEMS}/erp/s4-1710/availability?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter-malformed")
