"""A neighbour that is down, at the start or in the middle, costs one source and nothing else."""

from __future__ import annotations

from typing import Any

import httpx

from app.cli.demo.neighbours import Witness
from app.cli.pair import Gateway, Sandbox, access_token
from tests.e2e.conftest import Start
from tests.e2e.portal import Portal, arm, lift, question, until


def test_the_gateway_starts_while_a_scheduler_is_down_and_says_so(sandbox: Sandbox, start: Start) -> None:
    arm(sandbox, "scheduler", "refuse")
    gateway = start()
    portal = Portal(gateway, sandbox)
    ready = _readiness(gateway)
    assert ready["status"] == "degraded"
    assert [name for name, each in ready["neighbours"].items() if each["state"] == "down"] == ["aps-1710"]

    made = portal.check("TG11", "FG126", quantity=50).raise_for_status().json()
    assert made["status"] == "degraded"
    outcomes = {source["system"]: source["outcome"] for source in made["sources"]}
    assert outcomes["erp"] == "ok"
    assert outcomes["scheduler"] != "ok"
    lines = {line["lineId"]: line for line in made["lines"]}
    assert lines["TG11"]["status"] == "confirmed", "stock alone covers it: the scheduler is not needed"
    assert lines["FG126"]["status"] == "unknown"
    assert lines["FG126"]["unconfirmedQuantity"] is None, "unknown is not zero"

    lift(sandbox)
    until(lambda: _readiness(gateway)["status"], lambda status: status == "ready", within_s=15)
    assert until(lambda: portal.check("FG126").json(), lambda found: found["status"] == "complete", within_s=15)


def test_the_gateway_starts_while_everything_is_down(sandbox: Sandbox, start: Start) -> None:
    token = access_token(sandbox.issuer, "dealer-north", "north-sandbox-secret")
    for system in ("issuer", "sap", "scheduler", "salesforce"):
        arm(sandbox, system, "refuse")
    gateway = start()
    ready = _readiness(gateway)
    assert ready["status"] == "degraded"
    assert {each["state"] for each in ready["neighbours"].values()} == {"down"}
    called = httpx.get(f"{gateway.url}/v1/operations", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    assert (called.status_code, called.json()["code"]) == (503, "issuer-unavailable"), "it says nothing of the token"
    assert called.headers["retry-after"].isdigit()
    lift(sandbox)
    portal = Portal(gateway, sandbox)
    assert until(lambda: portal.check("TG11"), lambda answer: answer.is_success, within_s=15)


def test_no_promise_is_made_when_no_source_answers(sandbox: Sandbox, start: Start) -> None:
    gateway = start()
    portal = Portal(gateway, sandbox)
    for system in ("sap", "scheduler"):
        arm(sandbox, system, "refuse")
    answer = portal.check("TG11")
    assert (answer.status_code, answer.json()["code"]) == (503, "no-source-answered")
    assert answer.headers["retry-after"].isdigit()
    assert gateway.process.poll() is None


def test_an_erp_that_dies_in_the_middle_of_a_check_leaves_its_lines_unknown(sandbox: Sandbox, start: Start) -> None:
    portal = Portal(start(), sandbox)
    arm(sandbox, "sap", "dropBeforeCommit")
    answer = portal.check("TG11")
    assert (answer.status_code, answer.json()["code"]) == (503, "no-source-answered")


def test_a_slow_scheduler_costs_its_source_and_not_the_deadline(sandbox: Sandbox, start: Start) -> None:
    portal = Portal(start(), sandbox)
    arm(sandbox, "scheduler", "stall", path="/v1/scenarios")
    body = {**question("FG126", quantity=50), "deadlineMs": 1500}
    answer = portal.call("POST", "/v1/atp-checks", body)
    assert answer.elapsed.total_seconds() < 3
    made = answer.raise_for_status().json()
    assert {source["system"]: source["outcome"] for source in made["sources"]} == {"erp": "ok", "scheduler": "timeout"}


def test_a_crm_that_is_down_starts_nothing(sandbox: Sandbox, witness: Witness, start: Start) -> None:
    portal = Portal(start(), sandbox)
    quote_id = witness.quote_id("Q-1012")
    arm(sandbox, "salesforce", "refuse")
    refused = portal.convert(quote_id, key="once")
    assert (refused.status_code, refused.json()["code"]) == (503, "system-unavailable")
    lift(sandbox)
    taken = until(lambda: portal.convert(quote_id, key="once"), lambda answer: answer.is_success, within_s=15)
    assert taken.headers.get("idempotency-replayed") is None, "a refusal before anything was sent is not kept"


def _readiness(gateway: Gateway) -> dict[str, Any]:
    answer = httpx.get(f"{gateway.internal_url}/readyz", trust_env=False)
    found: dict[str, Any] = answer.json()
    return found
