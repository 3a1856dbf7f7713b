"""Who did what, as an auditor finds it: written by the very calls, found by what one searches by, whole."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.integration.oversight.conftest import House

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]
AUDIT = "/internal/v1/audit"
CONVERSION = "POST /v1/quotes/{quoteId}/order-conversions"


async def entries(house: House, **asked: str) -> list[dict[str, Any]]:
    answer = await house.inside("auditor").get(AUDIT, params=asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["entries"])


async def test_a_conversion_leaves_who_asked_and_what_became_of_it(house: House) -> None:
    made = (await house.convert("Q-1010", "dealer-north")).json()
    found = await entries(house, order=made["orderId"])
    acts = [entry["act"] for entry in reversed(found)]
    assert acts[0] == CONVERSION
    assert acts[-1] == "quote.conversion.completed"
    asked, ended = found[-1], found[0]
    assert (asked["clientId"], asked["subject"], asked["customerPo"]) == (
        "dealer-north",
        made["operationId"],
        "PO-Q-1010",
    )
    assert asked["credential"].startswith("token:")
    assert asked["fingerprint"] is not None
    assert asked["before"] is None
    assert asked["after"]["state"] == "received"
    assert (ended["credential"], ended["outcome"]) == ("system", "completed")
    assert ended["documents"] == [f"erp:{made['orderId'].replace('.', '/')}"]
    assert {entry["correlationId"] for entry in found} == {asked["correlationId"]}


async def test_it_is_found_by_order_number_client_thing_and_time(house: House) -> None:
    made = (await house.convert("Q-1011")).json()
    for asked in (
        {"order": made["orderId"]},
        {"customerPo": "PO-Q-1011"},
        {"subject": made["operationId"]},
        {"client": "crm", "act": CONVERSION},
    ):
        found = await entries(house, **asked)
        assert made["operationId"] in {entry["subject"] for entry in found}, asked
    newest = (await entries(house, subject=made["operationId"]))[0]["at"]
    assert made["operationId"] not in {entry["subject"] for entry in await entries(house, until="2026-01-01T00:00:00Z")}
    assert [entry["at"] for entry in await entries(house, since=newest, subject=made["operationId"])] == [newest]


async def test_a_page_leads_to_the_next_and_a_cursor_fits_its_own_list_only(house: House) -> None:
    auditor = house.inside("auditor")
    seen: list[int] = []
    cursor = None
    while True:
        page = (await auditor.get(AUDIT, params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        seen += [entry["sequence"] for entry in page["entries"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert seen == list(range(len(seen), 0, -1))
    assert len(seen) > 4
    other = await auditor.get(AUDIT, params={"client": "crm", "cursor": cursor})
    assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "cursor-invalid")


async def test_a_decision_says_what_was_before_and_after_and_a_cancel_why(house: House) -> None:
    quote = house.sandbox.quote_id("Q-1001")
    headers = {"Idempotency-Key": "propose", "Prefer": "wait=20"}
    body = {"customerPo": "PO-Q-1001", "onLate": "propose"}
    proposed = (await house.at().post(f"/v1/quotes/{quote}/order-conversions", json=body, headers=headers)).json()
    assert proposed["state"] == "awaitingDecision"
    path = f"/v1/operations/{proposed['operationId']}"
    cancelled = await house.at().post(
        f"{path}/cancel", json={"reason": "the customer called"}, headers={"Idempotency-Key": "cancel"}
    )
    assert cancelled.status_code == 200
    entry = (await entries(house, subject=proposed["operationId"]))[0]
    assert (entry["act"], entry["reason"]) == ("POST /v1/operations/{operationId}/cancel", "the customer called")
    assert (entry["before"]["state"], entry["after"]["state"]) == ("awaitingDecision", "cancelled")


async def test_a_repeat_and_a_refusal_leave_nothing(house: House) -> None:
    first = await house.convert("Q-1012")
    before = len(await entries(house))
    again = await house.convert("Q-1012")
    assert again.headers["idempotency-replayed"] == "true"
    assert (await house.convert("Q-1003")).status_code == 409
    assert (await house.convert("Q-1012", po="x")).status_code == 400
    assert (len(await entries(house)), first.status_code) == (before, 201)


async def test_only_an_auditor_may_look(house: House) -> None:
    answers = [await house.inside(who).get(AUDIT) for who in ("operator", "key-admin", "crm")]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


async def test_the_command_line_lists_shows_and_verifies(house: House) -> None:
    told = house.told("auditor")
    made = (await house.convert("Q-1013")).json()
    listed = await asyncio.to_thread(told, "audit", "list", "--order", made["orderId"])
    assert (listed.exit_code, CONVERSION in listed.output, made["operationId"] in listed.output) == (0, True, True)
    assert "there are more" not in listed.stderr and "at (UTC)" in listed.output
    cut = await asyncio.to_thread(told, "audit", "list", "--limit", "1")
    assert "there are more: these are the first 1" in cut.stderr, "a part is not taken for the whole"
    lines = (await asyncio.to_thread(told, "audit", "list", "--po", "PO-Q-1013", "--json")).stdout.splitlines()
    assert {json.loads(line)["customerPo"] for line in lines} == {"PO-Q-1013"}
    shown = await asyncio.to_thread(told, "audit", "show", made["operationId"])
    assert "by crm with token:" in shown.output
    verified = await asyncio.to_thread(told, "audit", "verify")
    assert (verified.exit_code, "all of them as they were written" in verified.output) == (0, True)
    mark = verified.output.splitlines()[-1]
    again = await asyncio.to_thread(told, "audit", "verify", "--seen", mark)
    assert again.exit_code == 0
    wrong = await asyncio.to_thread(told, "audit", "verify", "--seen", "1:" + "0" * 64)
    assert (wrong.exit_code, "not the one that this mark was taken from" in wrong.output) == (1, True)
    nothing = await asyncio.to_thread(told, "audit", "show", "op_none")
    assert (nothing.exit_code, "nothing was done to op_none" in nothing.output) == (1, True)


async def test_a_change_of_an_order_says_what_was_asked_decided_and_committed(house: House) -> None:
    order_id = (await house.convert("Q-1018")).json()["orderId"]
    order = (await house.at().get(f"/v1/orders/{order_id}")).json()
    item = order["items"][0]["lineId"]
    body = {"operations": [{"type": "decreaseQuantity", "lineId": item, "newQuantity": {"value": "3", "unit": "C62"}}]}
    asked = await house.at().post(
        f"/v1/orders/{order_id}/change-requests",
        json={**body, "reason": "fewer will do"},
        headers={"Idempotency-Key": "change-1", "If-Match": order["etag"]},
    )
    assert asked.status_code == 201, asked.text
    change = asked.json()
    decided = await house.at().post(
        f"{change['href']}/decision",
        json={"decision": "accept"},
        headers={"Idempotency-Key": "decide-1", "If-Match": change["etag"], "Prefer": "wait=20"},
    )
    assert decided.json()["state"] == "committed", decided.text
    committed, accepted, requested = (await entries(house, subject=change["changeRequestId"]))[:3]
    assert (requested["reason"], requested["outcome"]) == ("fewer will do", "proposed")
    assert requested["after"]["operations"][0]["type"] == "decreaseQuantity"
    assert (accepted["before"]["state"], accepted["after"]["state"]) == ("proposed", "committing")
    assert (committed["credential"], committed["act"], committed["orderId"]) == (
        "system",
        "order.change.committed",
        order_id,
    )
    repeated = await house.at().post(
        f"{change['href']}/decision",
        json={"decision": "accept"},
        headers={"Idempotency-Key": "decide-1", "If-Match": change["etag"]},
    )
    assert (repeated.json()["state"], repeated.headers["idempotency-replayed"]) == ("committed", "true")
