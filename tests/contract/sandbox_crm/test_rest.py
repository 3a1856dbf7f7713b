"""The CRM's REST API to the letter: errors, SOQL, composite, as the reference has them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.sandbox_crm.conftest import BASE, FORM, error
from tests.sandbox import RunningSandbox

ABSENT = "0Q0Hp0000009999KAA"


def query(crm: httpx.Client, soql: str) -> Any:
    return crm.get("/query", params={"q": soql})


def names(crm: httpx.Client, where: str) -> list[str]:
    answer = query(crm, f"SELECT Name FROM Quote {where}")
    assert answer.status_code == 200, answer.text
    return [record["Name"] for record in answer.json()["records"]]


def composite(crm: httpx.Client, *parts: dict[str, Any], all_or_none: bool = True) -> list[dict[str, Any]]:
    numbered = [{"referenceId": f"ref{n}", "method": "PATCH"} | part for n, part in enumerate(parts)]
    answer = crm.post("/composite", json={"allOrNone": all_or_none, "compositeRequest": numbered})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["compositeResponse"])


def row(quote_id: str) -> str:
    return f"{BASE}/sobjects/Quote/{quote_id}"


# Log-in


def test_the_log_in_answers_in_the_shape_that_clients_take_apart(sandbox: RunningSandbox) -> None:
    url = sandbox.urls["salesforce"]
    answer = httpx.post(f"{url}/services/oauth2/token", data=FORM)
    body = answer.json()
    assert set(body) == {
        "access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at", "api_instance_url",
    }  # fmt: skip
    assert (body["instance_url"], body["token_type"]) == (url, "Bearer")
    assert [len(part) for part in body["id"].split("/")[-2:]] == [18, 18]
    assert body["issued_at"].isdigit()
    assert len(body["issued_at"]) == 13


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"client_secret": "guess"}, "invalid_client"),
        ({"client_id": "somebody"}, "invalid_client_id"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_failed_log_in_is_an_object_not_an_array(sandbox: RunningSandbox, change: dict[str, str], wrong: str) -> None:
    answer = httpx.post(f"{sandbox.urls['salesforce']}/services/oauth2/token", data=FORM | change)
    assert (answer.status_code, answer.json()["error"]) == (400, wrong)


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic abc"])
def test_no_session_is_an_array_with_one_error(sandbox: RunningSandbox, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = httpx.get(f"{sandbox.urls['salesforce']}{BASE}/sobjects/Quote/{ABSENT}", headers=headers)
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


# Versions


def test_the_versions_are_listed_to_anybody_and_not_metered(sandbox: RunningSandbox) -> None:
    answer = httpx.get(f"{sandbox.urls['salesforce']}/services/data")
    listed = answer.json()
    assert (listed[0]["version"], listed[-1]["version"]) == ("41.0", "68.0")
    assert [one["label"] for one in listed[-4:]] == ["Winter '26", "Spring '26", "Summer '26", "Winter '27"]
    assert "sforce-limit-info" not in answer.headers


@pytest.mark.parametrize(("version", "status"), [("v41.0", 200), ("v68.0", 200), ("v30.0", 410), ("v69.0", 404)])
def test_a_range_of_versions_is_served(crm: httpx.Client, version: str, status: int) -> None:
    url = str(crm.base_url).replace("v68.0", version)
    assert httpx.get(f"{url}limits", headers=crm.headers).status_code == status


# Query


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("WHERE Name = 'Q-1003'", ["Q-1003"]),
        ("WHERE name = 'q-1003'", ["Q-1003"]),
        ("WHERE Status = 'Draft'", ["Q-1003"]),
        ("WHERE Account.ERP_Customer__c = '17100002'", ["Q-1002"]),
        ("WHERE Opportunity.Account.Name = 'Southgate Supply'", ["Q-1002"]),
        ("WHERE Name IN ('Q-1004', 'Q-1002') ORDER BY Name DESC", ["Q-1004", "Q-1002"]),
        ("WHERE Status != 'Approved' AND Name > 'Q-1003'", ["Q-1004"]),
        ("WHERE LineItemCount >= 5", ["Q-1006"]),
        ("WHERE ERP_Order_Number__c != null", []),
        ("WHERE ERP_Order_Number__c = null ORDER BY Name ASC NULLS LAST LIMIT 2", ["Q-1001", "Q-1002"]),
        (r"WHERE Name = 'it\'s \\ \u0041'", []),
    ],
)
def test_a_query_finds_what_it_says(crm: httpx.Client, where: str, found: list[str]) -> None:
    assert names(crm, where) == found


def test_wanted_but_empty_is_null_and_no_children_is_null(crm: httpx.Client) -> None:
    (made,) = composite(crm, {"method": "POST", "url": f"{BASE}/sobjects/Quote", "body": new_quote(crm)})
    soql = (
        "SELECT Confirmed_Date__c, Pricebook2.Name, (SELECT Id FROM QuoteLineItems) "
        f"FROM Quote WHERE Id = '{made['body']['id']}'"
    )
    (quote,) = query(crm, soql).json()["records"]
    assert [quote[name] for name in ("Confirmed_Date__c", "Pricebook2", "QuoteLineItems")] == [None, None, None]


def new_quote(crm: httpx.Client) -> dict[str, str]:
    deal = query(crm, "SELECT Id FROM Opportunity LIMIT 1").json()["records"][0]["Id"]
    return {"Name": "Q-new", "OpportunityId": deal}


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("SELECT FROM Quote", "MALFORMED_QUERY"),
        ("SELECT Id FROM Quote WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Quote WHERE Name = Q-1001", "MALFORMED_QUERY"),
        (r"SELECT Id FROM Quote WHERE Name = 'a\qb'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Quote WHERE Name = 'open", "MALFORMED_QUERY"),
        ("SELECT Id FROM Quote LIMIT 1 extra", "MALFORMED_QUERY"),
        ("SELECT Id FROM Quote LIMIT many", "MALFORMED_QUERY"),
        ("SELECT Nonsense__c FROM Quote", "INVALID_FIELD"),
        ("SELECT Account.Nonsense__c FROM Quote", "INVALID_FIELD"),
        ("SELECT Nobody.Name FROM Quote", "INVALID_FIELD"),
        ("SELECT Id FROM Quote WHERE Nonsense__c = 'x' LIMIT 1", "INVALID_FIELD"),
        ("SELECT (SELECT Nonsense__c FROM QuoteLineItems) FROM Quote WHERE Name = 'none'", "INVALID_FIELD"),
        ("SELECT Id FROM Quote WHERE LineItemCount > 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Nonsense__c", "INVALID_TYPE"),
        ("SELECT (SELECT Id FROM Nobodies) FROM Quote", "INVALID_TYPE"),
        ("SELECT Id FROM Quote WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR"),
    ],
)
def test_a_wrong_query_is_told_by_its_code(crm: httpx.Client, soql: str, code: str) -> None:
    assert error(query(crm, soql)) == (400, code)


# Rows


def test_only_the_wanted_fields_come_back(crm: httpx.Client, sandbox: RunningSandbox) -> None:
    answer = crm.get(f"/sobjects/Quote/{sandbox.quote_id('Q-1001')}", params={"fields": "Name,GrandTotal"})
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert set(answer.json()) == {"attributes", "Id", "Name", "GrandTotal"}
    # 3 % off for Northwind: (40 x 17.50 + 100 x 25.00 + 50 x 120.00) x 0.97
    assert answer.json()["GrandTotal"] == pytest.approx(8924.0)


@pytest.mark.parametrize(
    ("values", "code", "fields"),
    [
        ({"Nonsense__c": "x"}, "INVALID_FIELD", None),
        ({"QuoteNumber": "1"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["QuoteNumber"]),
        ({"OpportunityId": "006Hp00000000010AAA"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["OpportunityId"]),
        ({"Name": None}, "REQUIRED_FIELD_MISSING", ["Name"]),
        ({"ERP_Order_Number__c": "123456789012345678901"}, "STRING_TOO_LONG", ["ERP_Order_Number__c"]),
        ({"Confirmed_Date__c": "5 March"}, "JSON_PARSER_ERROR", None),
        ({"Confirmed_Date__c": 5}, "JSON_PARSER_ERROR", None),
        ({"Status": {"is": "Draft"}}, "JSON_PARSER_ERROR", None),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_is_written(
    crm: httpx.Client, sandbox: RunningSandbox, values: dict[str, Any], code: str, fields: list[str] | None
) -> None:
    url = f"/sobjects/Quote/{sandbox.quote_id('Q-1010')}"
    before = crm.get(url).json()
    answer = crm.patch(url, json=values)
    assert error(answer) == (400, code)
    assert answer.json()[0].get("fields") == fields
    assert crm.get(url).json() == before


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"/sobjects/Quote/{ABSENT}", 404, "NOT_FOUND"),
        ("PATCH", f"/sobjects/Quote/{ABSENT}", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Quote/nonsense", 400, "MALFORMED_ID"),
        ("GET", "/sobjects/Quote/0Q0Hp0000001001kaa", 400, "MALFORMED_ID"),
        ("GET", "/sobjects/Nonsense/0Q0Hp0000001001KAA", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Quote/Name/Q-1001", 404, "NOT_FOUND"),
        ("PUT", f"/sobjects/Quote/{ABSENT}", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/nonsense", 404, "NOT_FOUND"),
    ],
)
def test_what_is_not_there_is_told_by_its_code(
    crm: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    assert error(crm.request(method, path, json={"Name": "x"})) == (status, code)


def test_a_body_that_is_no_json_is_refused(crm: httpx.Client, sandbox: RunningSandbox) -> None:
    answer = crm.patch(f"/sobjects/Quote/{sandbox.quote_id('Q-1010')}", content=b"{")
    assert error(answer) == (400, "JSON_PARSER_ERROR")


def test_a_line_needs_its_quote_its_price_and_its_quantity(crm: httpx.Client) -> None:
    answer = crm.post("/sobjects/QuoteLineItem", json={"Quantity": 1})
    assert error(answer) == (400, "REQUIRED_FIELD_MISSING")
    assert answer.json()[0]["fields"] == ["QuoteId", "PricebookEntryId", "UnitPrice"]


def test_an_external_id_that_several_rows_have_answers_300_and_writes_nothing(
    crm: httpx.Client, sandbox: RunningSandbox
) -> None:
    twins = [sandbox.quote_id("Q-1010"), sandbox.quote_id("Q-1011")]
    for quote_id in twins:
        crm.patch(f"/sobjects/Quote/{quote_id}", json={"ERP_Order_Number__c": "1000000007"}).raise_for_status()
    answer = crm.patch("/sobjects/Quote/ERP_Order_Number__c/1000000007", json={"Status": "Denied"})
    assert (answer.status_code, answer.json()) == (300, [row(quote_id) for quote_id in twins])
    assert {crm.get(f"/sobjects/Quote/{quote_id}").json()["Status"] for quote_id in twins} == {"Approved"}


# Composite


def test_a_composite_writes_a_quote_and_its_lines_in_one_call(crm: httpx.Client, sandbox: RunningSandbox) -> None:
    quote_id = sandbox.quote_id("Q-1001")
    lines = query(crm, f"SELECT Id FROM QuoteLineItem WHERE QuoteId = '{quote_id}'").json()["records"]
    parts = [{"url": f"{BASE}/sobjects/QuoteLineItem/{one['Id']}", "body": {"ERP_Item__c": "10"}} for one in lines]
    answers = composite(crm, {"url": row(quote_id), "body": {"ERP_Order_Number__c": "1000000001"}}, *parts)
    assert answers[0] == {"body": None, "httpHeaders": {}, "httpStatusCode": 204, "referenceId": "ref0"}
    assert [one["httpStatusCode"] for one in answers] == [204] * 4
    assert names(crm, "WHERE ERP_Order_Number__c = '1000000001'") == ["Q-1001"]


def test_all_or_none_rolls_back_and_only_the_culprit_says_why(crm: httpx.Client, sandbox: RunningSandbox) -> None:
    good, other = sandbox.quote_id("Q-1010"), sandbox.quote_id("Q-1011")
    answers = composite(
        crm,
        {"url": row(good), "body": {"ERP_Order_Number__c": "1000000001"}},
        {"url": row(ABSENT), "body": {"ERP_Order_Number__c": "1000000001"}},
        {"url": row(other), "body": {"ERP_Order_Number__c": "1000000001"}},
    )
    codes = [(one["httpStatusCode"], one["body"][0]["errorCode"]) for one in answers]
    assert codes == [(400, "PROCESSING_HALTED"), (404, "NOT_FOUND"), (400, "PROCESSING_HALTED")]
    assert names(crm, "WHERE ERP_Order_Number__c = '1000000001'") == []


def test_without_all_or_none_the_others_go_through(crm: httpx.Client, sandbox: RunningSandbox) -> None:
    body = {"ERP_Order_Number__c": "1000000001"}
    parts = [{"url": row(key), "body": body} for key in (ABSENT, sandbox.quote_id("Q-1010"))]
    answers = composite(crm, *parts, all_or_none=False)
    assert [one["httpStatusCode"] for one in answers] == [404, 204]
    assert names(crm, "WHERE ERP_Order_Number__c = '1000000001'") == ["Q-1010"]


def test_a_part_may_refer_to_what_an_earlier_one_made(crm: httpx.Client) -> None:
    answers = composite(
        crm,
        {"method": "GET", "url": f"{BASE}/query?q=SELECT+Id+FROM+Opportunity+LIMIT+1", "referenceId": "deal"},
        {
            "method": "POST",
            "url": f"{BASE}/sobjects/Quote",
            "referenceId": "quote",
            "body": {"Name": "Q-new", "OpportunityId": "@{deal.records[0].Id}"},
        },
        {"url": row("@{quote.id}"), "body": {"Status": "Approved"}},
    )
    assert [one["httpStatusCode"] for one in answers] == [200, 201, 204]
    assert answers[1]["httpHeaders"] == {"Location": row(answers[1]["body"]["id"])}
    assert names(crm, "WHERE Name = 'Q-new' AND Status = 'Approved'") == ["Q-new"]


def test_a_reference_without_a_value_halts_its_part(crm: httpx.Client, sandbox: RunningSandbox) -> None:
    quote_id = sandbox.quote_id("Q-1010")
    answers = composite(
        crm,
        {"method": "GET", "url": f"{row(quote_id)}?fields=ERP_Order_Number__c", "referenceId": "quote"},
        {"url": row(quote_id), "body": {"Description": "@{quote.ERP_Order_Number__c}"}},
        all_or_none=False,
    )
    assert answers[1]["httpStatusCode"] == 400
    assert answers[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert "No value for quote.ERP_Order_Number__c" in answers[1]["body"][0]["message"]


@pytest.mark.parametrize(
    "parts",
    [
        "none",
        [{"method": "GET", "url": f"{BASE}/limits"}],
        [{"method": "GET", "url": f"{BASE}/limits", "referenceId": "a"}] * 2,
        [{"method": "GET", "url": f"{BASE}/limits", "referenceId": "a", "httpHeaders": {"Accept": "x"}}],
        [{"method": "GET", "url": f"{BASE}/limits", "referenceId": f"r{n}"} for n in range(26)],
        [{"method": "GET", "url": f"{BASE}/query?q=SELECT+Id+FROM+Quote", "referenceId": f"r{n}"} for n in range(6)],
    ],
)
def test_a_composite_that_breaks_the_rules_is_refused_as_a_whole(crm: httpx.Client, parts: Any) -> None:
    answer = crm.post("/composite", json={"compositeRequest": parts})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"]


def test_a_collection_tells_each_rows_result_by_status_code(crm: httpx.Client, sandbox: RunningSandbox) -> None:
    def wanted(name: str, **values: str) -> dict[str, Any]:
        return {"attributes": {"type": "Quote"}, "id": sandbox.quote_id(name)} | values

    records = [wanted("Q-1010", Ordergate_State__c="ordered"), wanted("Q-1011", Nonsense__c="x")]
    rolled_back = crm.patch("/composite/sobjects", json={"allOrNone": True, "records": records}).json()
    assert [one["errors"][0]["statusCode"] for one in rolled_back] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "INVALID_FIELD",
    ]
    assert names(crm, "WHERE Ordergate_State__c = 'ordered'") == []
    partly = crm.patch("/composite/sobjects", json={"records": records}).json()
    assert [one["success"] for one in partly] == [True, False]
    assert names(crm, "WHERE Ordergate_State__c = 'ordered'") == ["Q-1010"]


# The world


def test_the_quotes_of_the_world_are_there_in_every_state(crm: httpx.Client) -> None:
    soql = "SELECT Name, Status, Account.ERP_Customer__c, LineItemCount, Revision__c FROM Quote ORDER BY Name"
    facts = {
        one["Name"]: (one["Status"], one["Account"]["ERP_Customer__c"], one["LineItemCount"])
        for one in query(crm, soql).json()["records"]
    }
    assert facts["Q-1001"] == ("Approved", "17100001", 3)
    assert facts["Q-1002"][1] == "17100002"
    assert (facts["Q-1003"][0], facts["Q-1004"][0]) == ("Draft", "Rejected")
    assert facts["Q-1006"] == ("Approved", "17100001", 5)
    assert facts["Q-1007"][1] == "17100003"
    assert {facts[f"Q-{n}"] for n in range(1010, 1020)} == {("Approved", "17100001", 1)}


def test_ids_are_the_same_in_every_world(crm: httpx.Client, sandbox: RunningSandbox) -> None:
    before = sandbox.quote_id("Q-1001")
    sandbox.reset()
    assert (
        sandbox.quote_id("Q-1001")
        == before
        == query(crm, "SELECT Id FROM Quote WHERE Name = 'Q-1001'").json()["records"][0]["Id"]
    )


@pytest.mark.parametrize(
    ("first15", "full"),
    [("001A0000006Vm9r", "001A0000006Vm9rIAC"), ("001A0000006Vm9rIAC", "001A0000006Vm9rIAC")],
)
def test_the_checksum_is_the_one_that_salesforce_computes(first15: str, full: str) -> None:
    from system_apis.sandbox.salesforce.records import full_id  # noqa: PLC0415  # the one thing not seen on the wire

    assert full_id(first15) == full
