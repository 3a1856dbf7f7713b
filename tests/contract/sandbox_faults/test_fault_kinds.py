"""Each kind of fault, at the system where it matters, seen by a client that others wrote."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from system_apis.sandbox.faults.kinds import KINDS
from tests.sandbox import RunningSandbox

ORDERS = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"
SEEDED = f"{ORDERS}/A_SalesOrder('90000017')"
QUOTES = "/services/data/v68.0/sobjects/Quote"
FORM = {"grant_type": "client_credentials", "client_id": "ordergate", "client_secret": "salesforce-sandbox-secret"}
KEY = {"X-API-Key": "scheduler-sandbox-key"}


@pytest.fixture
def sap(fresh_sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """Logged on, with a CSRF token and its session."""
    logon, json = ("SANDBOX", "Welcome1"), {"Accept": "application/json"}
    with httpx.Client(base_url=fresh_sandbox.urls["sap"], auth=logon, headers=json, timeout=5) as client:
        renew(client)
        yield client


@pytest.fixture
def crm(fresh_sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    url = fresh_sandbox.urls["salesforce"]
    token = httpx.post(f"{url}/services/oauth2/token", data=FORM).json()["access_token"]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=5) as client:
        yield client


@pytest.fixture
def scheduler(fresh_sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fresh_sandbox.urls["scheduler"], headers=KEY, timeout=5) as client:
        yield client


def renew(sap: httpx.Client) -> None:
    sap.headers["X-CSRF-Token"] = sap.head(f"{ORDERS}/", headers={"X-CSRF-Token": "Fetch"}).headers["x-csrf-token"]


def block(sap: httpx.Client, etag: str = "*") -> httpx.Response:
    return sap.patch(SEEDED, json={"DeliveryBlockReason": "01"}, headers={"If-Match": etag})


def batched(sap: httpx.Client) -> httpx.Response:
    """The same change as the only one of a changeset."""
    body = (
        "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n"
        "Content-Transfer-Encoding: binary\r\n\r\nPATCH A_SalesOrder('90000017') HTTP/1.1\r\nIf-Match: *\r\n"
        'Accept: application/json\r\nContent-Type: application/json\r\n\r\n{"DeliveryBlockReason":"01"}\r\n'
        "--c--\r\n\r\n--b--\r\n"
    )
    return sap.post(f"{ORDERS}/$batch", content=body, headers={"Content-Type": "multipart/mixed; boundary=b"})


def commit(scheduler: httpx.Client, **headers: str) -> httpx.Response:
    wanted = {"lineId": "10", "material": "FG126", "quantity": "5", "unit": "C62", "dueDate": "2030-01-01"}
    made = scheduler.post("/v1/scenarios", json={"plant": "1710", "requirements": [wanted]}).json()["scenarioId"]
    return scheduler.put("/v1/orders/7001/commitments", json={"scenarioId": made}, headers=headers)


def error(answer: httpx.Response) -> tuple[int, str]:
    (only,) = answer.json()
    return answer.status_code, only["errorCode"]


# Sessions


def test_an_expired_csrf_token_is_required_anew_and_a_new_one_heals(
    fresh_sandbox: RunningSandbox, sap: httpx.Client
) -> None:
    fresh_sandbox.fault("sap", "csrfExpired", method="PATCH", count=1)
    refused = block(sap)
    assert (refused.status_code, refused.headers["x-csrf-token"]) == (403, "Required")
    assert refused.text == "CSRF token validation failed"
    assert block(sap).status_code == 403, "the session is gone, not only its token"
    renew(sap)
    assert block(sap).status_code == 204


def test_a_403_without_that_header_is_another_thing(fresh_sandbox: RunningSandbox, sap: httpx.Client) -> None:
    fresh_sandbox.fault("sap", "forbidden", method="PATCH", count=1)
    refused = block(sap)
    assert (refused.status_code, "x-csrf-token" in refused.headers) == (403, False)
    assert "authorization" in refused.json()["error"]["message"]["value"]


def test_an_access_token_of_sap_ends_and_a_password_does_not(fresh_sandbox: RunningSandbox, sap: httpx.Client) -> None:
    token = sap.post("/sap/bc/sec/oauth2/token", data={"grant_type": "client_credentials"}).json()["access_token"]
    fresh_sandbox.fault("sap", "sessionExpired", count=1)
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(fresh_sandbox.urls["sap"] + SEEDED, headers=bearer).status_code == 401
    assert sap.get(SEEDED).status_code == 200


def test_a_session_of_the_crm_ends_in_mid_work(fresh_sandbox: RunningSandbox, crm: httpx.Client) -> None:
    fresh_sandbox.fault("salesforce", "sessionExpired", count=1, skip=1)
    assert crm.get(QUOTES).status_code == 200
    assert [error(crm.get(QUOTES)) for _ in range(2)] == [(401, "INVALID_SESSION_ID")] * 2


# Locks


def test_a_locked_order_names_its_user_and_nothing_is_written(fresh_sandbox: RunningSandbox, sap: httpx.Client) -> None:
    fresh_sandbox.fault("sap", "locked", count=2)
    assert sap.get(SEEDED).status_code == 200, "reading needs no lock"
    refused = block(sap)
    assert refused.status_code == 400
    assert "is currently being processed by user" in refused.json()["error"]["message"]["value"]
    assert block(sap).status_code == 204


def test_a_lock_met_in_a_changeset_is_the_changesets_error(fresh_sandbox: RunningSandbox, sap: httpx.Client) -> None:
    fresh_sandbox.fault("sap", "locked", method="POST", path=r"\$batch", body="PATCH", count=1)
    first, second = batched(sap), batched(sap)
    assert (first.status_code, re.findall(r"HTTP/1.1 (\d+)", first.text)) == (202, ["400"])
    assert "being processed by user" in first.text
    assert re.findall(r"HTTP/1.1 (\d+)", second.text) == ["204"]


def test_a_row_that_cannot_be_locked_halts_the_whole_composite(
    fresh_sandbox: RunningSandbox, crm: httpx.Client
) -> None:
    ids = [fresh_sandbox.quote_id(name) for name in ("Q-1001", "Q-1002")]
    parts = [
        {"method": "PATCH", "url": f"{QUOTES}/{key}", "referenceId": f"r{n}", "body": {"Ordergate_State__c": "x"}}
        for n, key in enumerate(ids)
    ]
    asked = {"allOrNone": True, "compositeRequest": parts}
    fresh_sandbox.fault("salesforce", "locked", path="/composite", count=1)
    first, second = (crm.post("/services/data/v68.0/composite", json=asked) for _ in range(2))
    codes = [part["body"][0]["errorCode"] for part in first.json()["compositeResponse"]]
    assert (first.status_code, codes) == (200, ["UNABLE_TO_LOCK_ROW", "PROCESSING_HALTED"])
    assert [part["httpStatusCode"] for part in second.json()["compositeResponse"]] == [204, 204]


# Somebody else


def test_an_order_changed_between_read_and_write_is_stale(fresh_sandbox: RunningSandbox, sap: httpx.Client) -> None:
    fresh_sandbox.fault("sap", "staleVersion", method="PATCH", count=1)
    read = sap.get(SEEDED)
    assert block(sap, read.headers["etag"]).status_code == 412
    again = sap.get(SEEDED)
    assert again.headers["etag"] != read.headers["etag"]
    assert (read.json()["d"]["ShippingCondition"], again.json()["d"]["ShippingCondition"]) == ("01", "02")
    assert block(sap, again.headers["etag"]).status_code == 204


def test_a_quote_changed_between_read_and_write_has_a_later_stamp(
    fresh_sandbox: RunningSandbox, crm: httpx.Client
) -> None:
    quote = f"{QUOTES}/{fresh_sandbox.quote_id('Q-1001')}"
    read = crm.get(quote)
    since = {"If-Unmodified-Since": read.headers["last-modified"]}
    fresh_sandbox.fault("salesforce", "staleVersion", method="PATCH", count=1)
    assert crm.patch(quote, json={"Ordergate_State__c": "x"}, headers=since).status_code == 412
    again = crm.get(quote)
    assert again.json()["LastModifiedDate"] > read.json()["LastModifiedDate"]
    assert again.json()["Ordergate_State__c"] is None
    since = {"If-Unmodified-Since": again.headers["last-modified"]}
    assert crm.patch(quote, json={"Ordergate_State__c": "x"}, headers=since).status_code == 204


def test_commitments_changed_by_a_planner_have_another_version(
    fresh_sandbox: RunningSandbox, scheduler: httpx.Client
) -> None:
    etag = commit(scheduler).headers["etag"]
    fresh_sandbox.fault("scheduler", "staleVersion", method="PUT", count=1)
    assert commit(scheduler, **{"If-Match": etag}).json()["code"] == "versionMoved"
    now = scheduler.get("/v1/orders/7001/commitments").headers["etag"]
    assert now != etag
    assert commit(scheduler, **{"If-Match": now}).status_code == 200


def test_capacity_taken_meanwhile_is_a_plan_that_moved(fresh_sandbox: RunningSandbox, scheduler: httpx.Client) -> None:
    fresh_sandbox.fault("scheduler", "planMoved", method="PUT", count=1)
    moved = commit(scheduler)
    assert (moved.status_code, moved.json()["code"]) == (409, "planMoved")
    assert commit(scheduler).status_code == 201


# Ready-made answers


@pytest.mark.parametrize(
    ("system", "kind", "status", "content_type"),
    [
        ("sap", "serverError", 500, "text/html"),
        ("sap", "logonPage", 200, "text/html"),
        ("sap", "tooManyRequests", 429, "application/json"),
        ("salesforce", "serverError", 500, "text/html"),
        ("salesforce", "limitExceeded", 403, "application/json"),
        ("scheduler", "tooManyRequests", 429, "application/json"),
        ("issuer", "unavailable", 503, "text/html"),
    ],
)
def test_an_answer_may_have_nothing_to_do_with_the_system(
    fresh_sandbox: RunningSandbox, system: str, kind: str, status: int, content_type: str
) -> None:
    fresh_sandbox.fault(system, kind, count=1)
    fresh_sandbox.fault(system, kind, count=1, retryAfterSeconds=3)
    answers = [httpx.get(fresh_sandbox.urls[system] + "/") for _ in range(2)]
    assert [(one.status_code, one.headers["content-type"].split(";")[0]) for one in answers] == [
        (status, content_type)
    ] * 2
    assert [one.headers.get("retry-after") for one in answers] == [None, "3"]


def test_the_days_calls_are_used_up_in_code_and_header(fresh_sandbox: RunningSandbox, crm: httpx.Client) -> None:
    fresh_sandbox.fault("salesforce", "limitExceeded", count=1)
    refused = crm.get(QUOTES)
    assert error(refused) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert refused.headers["sforce-limit-info"] == "api-usage=100000/100000"
    assert crm.get(QUOTES).status_code == 200


@pytest.mark.parametrize(("after", "block_reason"), [(False, ""), (True, "01")])
def test_an_error_page_may_lie_about_what_was_done(
    fresh_sandbox: RunningSandbox, sap: httpx.Client, after: bool, block_reason: str
) -> None:
    fresh_sandbox.fault("sap", "serverError", method="PATCH", count=1, afterCommit=after)
    assert block(sap).status_code == 500
    assert sap.get(SEEDED).json()["d"]["DeliveryBlockReason"] == block_reason


def test_maintenance_is_everywhere_and_ends_by_itself(fresh_sandbox: RunningSandbox, sap: httpx.Client) -> None:
    fresh_sandbox.fault("sap", "maintenance", seconds=1, retryAfterSeconds=1)
    down = [sap.get(path) for path in (SEEDED, f"{ORDERS}/$metadata", "/")]
    assert {(one.status_code, one.headers["retry-after"]) for one in down} == {(503, "1")}
    assert "maintenance" in down[0].text
    ends = time.monotonic() + 5
    while sap.get(SEEDED).status_code == 503:
        assert time.monotonic() < ends
    assert fresh_sandbox.faults() == []


# Broken and slow answers


def test_a_truncated_answer_promises_more_than_comes(fresh_sandbox: RunningSandbox, sap: httpx.Client) -> None:
    whole = len(sap.get(SEEDED).content)
    fresh_sandbox.fault("sap", "truncated", count=1)
    address = urlsplit(fresh_sandbox.urls["sap"])
    with socket.create_connection((address.hostname, address.port or 0), timeout=5) as held:
        logon = "Authorization: Basic U0FOREJPWDpXZWxjb21lMQ==\r\nAccept: application/json"
        held.sendall(f"GET {SEEDED} HTTP/1.1\r\nHost: {address.netloc}\r\n{logon}\r\n\r\n".encode())
        got = b""
        while piece := held.recv(65536):
            got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    assert f"content-length: {whole}".encode() in head.lower()
    assert len(body) == whole // 2
    fresh_sandbox.fault("sap", "truncated", method="PATCH", count=1)
    fresh_sandbox.fault("sap", "truncated", method="GET", count=1)
    block(sap)
    # on a connection of its own: that of the PATCH ends, perhaps only when the next request is on it
    with httpx.Client(base_url=sap.base_url, auth=sap.auth, headers={"Accept": "application/json"}) as afresh:
        with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
            afresh.get(SEEDED)
        assert afresh.get(SEEDED).json()["d"]["DeliveryBlockReason"] == "01"


def test_a_trickled_answer_is_whole_in_the_end(fresh_sandbox: RunningSandbox, sap: httpx.Client) -> None:
    plain = sap.get(SEEDED)
    fresh_sandbox.fault("sap", "trickled", seconds=0.6, count=1)
    begun = time.monotonic()
    with sap.stream("GET", SEEDED) as slow:
        first_after = time.monotonic() - begun
        pieces = list(slow.iter_raw())
    assert (b"".join(pieces), len(pieces) > 5) == (plain.content, True)
    assert first_after < 0.6 <= time.monotonic() - begun


# Which request


def test_the_first_ones_may_go_by_and_the_body_may_decide(fresh_sandbox: RunningSandbox, sap: httpx.Client) -> None:
    fresh_sandbox.fault("sap", "unavailable", body="DeliveryBlockReason", skip=1, count=1)
    assert sap.get(SEEDED).status_code == 200
    assert [block(sap).status_code for _ in range(3)] == [204, 503, 204]


def test_a_delay_does_not_hide_another_fault_and_delays_add_up(
    fresh_sandbox: RunningSandbox, scheduler: httpx.Client
) -> None:
    for _ in range(2):
        fresh_sandbox.fault("scheduler", "delay", seconds=0.15, count=1)
    fresh_sandbox.fault("scheduler", "unavailable", count=1)
    begun = time.monotonic()
    assert scheduler.get("/v1/health").status_code == 503
    assert time.monotonic() - begun >= 0.3
    assert fresh_sandbox.journal("scheduler")[-1]["fault"] == "unavailable"


@pytest.mark.parametrize(
    "wanted",
    [
        {"system": "scheduler", "kind": "csrfExpired"},
        {"system": "salesforce", "kind": "tooManyRequests"},
        {"system": "sap", "kind": "dropAfterCommit", "afterCommit": True},
        {"system": "sap", "kind": "unavailable", "probability": 0},
        {"system": "sap", "kind": "delay", "latency": {"distribution": "pareto"}},
        {"system": "sap", "kind": "stall", "body": "("},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(sandbox: RunningSandbox, wanted: dict[str, Any]) -> None:
    answer = httpx.post(sandbox.urls["control"] + "/faults", json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (400, "badRequest")


def test_the_page_on_the_sandbox_has_a_row_for_every_kind() -> None:
    page = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page, re.MULTILINE))
    systems = {name: "all" if len(kind.systems) == 4 else ", ".join(kind.systems) for name, kind in KINDS.items()}
    assert {name: rows.get(name, "").strip() for name in KINDS} == systems
