"""The people of the CRM read every exception of a conversion as a record of its own."""

from __future__ import annotations

from typing import Any

import httpx

from tests.integration.quote_to_order.shop import Shop
from tests.sandbox import RunningSandbox


def told(sandbox: RunningSandbox, operation_id: str) -> list[dict[str, Any]]:
    base = sandbox.urls["salesforce"]
    secret = {"client_id": "ordergate", "client_secret": "salesforce-sandbox-secret"}
    granted = httpx.post(f"{base}/services/oauth2/token", data={"grant_type": "client_credentials", **secret})
    headers = {"Authorization": f"Bearer {granted.raise_for_status().json()['access_token']}"}
    names = "Exception_Id__c, Quote__c, Quote_Line_Id__c, Code__c, Owner_Role__c, Source_Text__c, State__c"
    question = f"SELECT {names} FROM Ordergate_Exception__c WHERE Operation__c = '{operation_id}'"
    asked = httpx.get(f"{base}/services/data/v60.0/query", params={"q": question}, headers=headers)
    found: list[dict[str, Any]] = asked.raise_for_status().json()["records"]
    return found


async def test_each_exception_is_one_record_though_the_answer_to_it_was_lost(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    fresh_sandbox.fault("salesforce", "dropAfterCommit", method="POST", path="composite", count=1)
    quote_id = fresh_sandbox.quote_id("Q-1006")
    done = await shop.convert(quote_id, acceptance={"mode": "validLines"})
    assert done.state == "completedWithExceptions"
    shown = {
        (
            one.exception_id,
            one.line_id,
            one.code,
            one.owner.role,
            one.source_message.text if one.source_message else None,
        )
        for one in done.exceptions
    }
    records = told(fresh_sandbox, done.operation_id)
    assert len(records) == len(done.exceptions) > 0
    fields = ("Exception_Id__c", "Quote_Line_Id__c", "Code__c", "Owner_Role__c", "Source_Text__c")
    assert {tuple(record[name] for name in fields) for record in records} == shown
    assert {record["Quote__c"] for record in records} == {quote_id}


async def test_a_conversion_without_a_problem_leaves_no_exception(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1010"))
    assert done.state == "completed"
    assert told(fresh_sandbox, done.operation_id) == []
