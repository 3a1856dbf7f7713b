"""What comes in pages, what is done as graphs, what is done only if nothing has changed, and what it costs."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.sandbox_crm.conftest import BASE, error
from tests.sandbox import RunningSandbox

SMALL = {"Sforce-Query-Options": "batchSize=2"}


def test_a_long_answer_comes_in_pages(crm: httpx.Client) -> None:
    count = crm.get("/query", params={"q": "SELECT COUNT() FROM Quote"}).json()["totalSize"]
    answer = crm.get("/query", params={"q": "SELECT Name FROM Quote ORDER BY Name"}, headers=SMALL).json()
    names: list[str] = []
    sizes: list[int] = []
    while True:
        names += [record["Name"] for record in answer["records"]]
        sizes.append(len(answer["records"]))
        assert (answer["totalSize"], answer["done"]) == (count, "nextRecordsUrl" not in answer)
        if answer["done"]:
            break
        assert answer["nextRecordsUrl"].startswith(f"{BASE}/query/0r8")
        answer = crm.get(answer["nextRecordsUrl"].removeprefix(BASE)).json()
    assert sizes == [2] * (count // 2) + [1] * (count % 2)
    assert names == [f"Q-{number}" for number in range(1001, 1001 + count)]


def test_the_lines_of_one_quote_come_in_pages_of_their_own(crm: httpx.Client) -> None:
    soql = "SELECT Name, (SELECT SortOrder FROM QuoteLineItems ORDER BY SortOrder) FROM Quote WHERE Name = 'Q-1006'"
    (quote,) = crm.get("/query", params={"q": soql}, headers=SMALL).json()["records"]
    lines = quote["QuoteLineItems"]
    assert (lines["totalSize"], lines["done"], len(lines["records"])) == (5, False, 2)
    second = crm.get(lines["nextRecordsUrl"].removeprefix(BASE)).json()
    third = crm.get(second["nextRecordsUrl"].removeprefix(BASE)).json()
    seen = [record["SortOrder"] for page in (lines, second, third) for record in page["records"]]
    assert (seen, third["done"]) == ([1, 2, 3, 4, 5], True)


@pytest.mark.parametrize("locator", ["0r8Hp0000000001AAA-4000", "0r8Hp9999999999AAA-2", "nothing"])
def test_a_locator_that_leads_nowhere_is_refused(crm: httpx.Client, locator: str) -> None:
    assert error(crm.get(f"/query/{locator}")) == (400, "INVALID_QUERY_LOCATOR")


# Graphs


def graph(name: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"graphId": name, "compositeRequest": [{"referenceId": f"r{n}"} | part for n, part in enumerate(parts)]}


def sent(crm: httpx.Client, *graphs: dict[str, Any]) -> httpx.Response:
    return crm.post("/composite/graph", json={"graphs": list(graphs)})


def made(name: str, **more: Any) -> dict[str, Any]:
    return {"method": "POST", "url": f"{BASE}/sobjects/Account", "body": {"Name": name, **more}}


def test_each_graph_is_done_as_a_whole_or_not_at_all(crm: httpx.Client) -> None:
    url = f"{BASE}/sobjects/Opportunity"
    deal = {"Name": "n", "StageName": "s", "CloseDate": "2027-01-01", "AccountId": "@{r0.id}"}
    good = graph("good", made("Alpha"), {"method": "POST", "url": url, "body": deal})
    bad = graph("bad", made("Beta"), made("Gamma", Nonsense__c=1))
    first, second = sent(crm, good, bad).json()["graphs"]
    assert (first["graphId"], first["isSuccessful"]) == ("good", True)
    assert [part["httpStatusCode"] for part in first["graphResponse"]["compositeResponse"]] == [201, 201]
    codes = [part["body"][0]["errorCode"] for part in second["graphResponse"]["compositeResponse"]]
    assert (second["isSuccessful"], codes) == (False, ["PROCESSING_HALTED", "INVALID_FIELD"])
    soql = "SELECT Name FROM Account WHERE Name IN ('Alpha', 'Beta', 'Gamma')"
    assert [row["Name"] for row in crm.get("/query", params={"q": soql}).json()["records"]] == ["Alpha"]


def test_a_graph_holds_more_than_a_composite(crm: httpx.Client) -> None:
    parts = [made(f"Number {n}") for n in range(26)]
    (only,) = sent(crm, graph("long", *parts)).json()["graphs"]
    assert (only["isSuccessful"], len(only["graphResponse"]["compositeResponse"])) == (True, 26)
    body = {"compositeRequest": graph("long", *parts)["compositeRequest"]}
    assert error(crm.post("/composite", json=body)) == (400, "LIMIT_EXCEEDED")


@pytest.mark.parametrize(
    ("graphs", "code"),
    [
        ([graph("g", {"method": "GET", "url": f"{BASE}/query?q=SELECT+Id+FROM+Quote"})], "INVALID_INPUT"),
        ([graph("g", made("x")), graph("g", made("y"))], "INVALID_INPUT"),
        ([graph(f"g{n}", *[made("x")] * 7) for n in range(75)], "LIMIT_EXCEEDED"),
        ([graph(f"g{n}", made("x")) for n in range(76)], "LIMIT_EXCEEDED"),
        ([{"compositeRequest": []}], "JSON_PARSER_ERROR"),
    ],
)
def test_graphs_have_their_limits(crm: httpx.Client, graphs: list[dict[str, Any]], code: str) -> None:
    assert error(sent(crm, *graphs)) == (400, code)


# Conditions


def test_a_row_is_written_only_if_nobody_wrote_it_since(crm: httpx.Client, fresh_sandbox: RunningSandbox) -> None:
    row = f"/sobjects/Quote/{fresh_sandbox.quote_id('Q-1010')}"
    read = crm.get(row)
    unchanged = {"If-Unmodified-Since": read.headers["last-modified"]}
    assert crm.patch(row, json={"Ordergate_State__c": "a"}, headers=unchanged).status_code == 204
    assert crm.patch(row, json={"Ordergate_State__c": "b"}, headers=unchanged).status_code == 412
    assert crm.get(row).json()["Ordergate_State__c"] == "a"
    part = {"method": "PATCH", "url": BASE + row, "body": {"Ordergate_State__c": "b"}, "httpHeaders": unchanged}
    halted = crm.post("/composite", json={"compositeRequest": [part | {"referenceId": "r"}]}).json()
    assert halted["compositeResponse"][0]["httpStatusCode"] == 412
    garbled = crm.patch(row, json={"Ordergate_State__c": "b"}, headers={"If-Unmodified-Since": "yesterday"})
    assert garbled.status_code == 400


def test_a_row_that_has_not_changed_is_not_sent_again(crm: httpx.Client, fresh_sandbox: RunningSandbox) -> None:
    row = f"/sobjects/Quote/{fresh_sandbox.quote_id('Q-1010')}"
    since = {"If-Modified-Since": crm.get(row).headers["last-modified"]}
    unchanged = crm.get(row, headers=since)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    crm.patch(row, json={"Ordergate_State__c": "a"})
    assert crm.get(row, headers=since).status_code == 200


# Versions and the daily limit


def test_versions_are_told_without_a_session_and_retired_ones_are_gone(crm: httpx.Client) -> None:
    url = str(crm.base_url).removesuffix(f"{BASE}/")
    told = httpx.get(f"{url}/services/data").json()
    assert [told[0]["version"], told[-1]["version"], told[-1]["label"]] == ["41.0", "68.0", "Winter '27"]
    headers = {"Authorization": crm.headers["authorization"]}
    retired = httpx.get(f"{url}/services/data/v30.0/limits", headers=headers)
    assert error(retired) == (410, "UNSUPPORTED_API_VERSION")


def test_every_call_counts_against_the_day(crm: httpx.Client) -> None:
    first, second = (crm.get("/limits") for _ in range(2))
    used = [int(one.headers["sforce-limit-info"].removeprefix("api-usage=").split("/")[0]) for one in (first, second)]
    assert used[1] == used[0] + 1
    assert second.json()["DailyApiRequests"] == {"Max": 100_000, "Remaining": 100_000 - used[1]}
