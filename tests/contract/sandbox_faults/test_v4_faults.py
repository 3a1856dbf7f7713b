"""Faults, journal, canaries and the switch, on the V4 sales order service of a sandbox in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.sandbox_sap.conftest import JSON, LOGON, ORDERS
from tests.contract.sandbox_sap.v4 import V4, changeset, header, item, item_path, patch_of, send, told, version
from tests.sandbox import RunningSandbox, start_sandbox, stop_sandbox

ORDER = {
    "SalesOrderType": "OR",
    "SalesOrganization": "1710",
    "DistributionChannel": "10",
    "OrganizationDivision": "00",
    "SoldToParty": "17100001",
    "_Item": [item("TG11", 40)],
}
MEANT = "odata4.*SalesOrder"


@pytest.fixture
def client(fresh_sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """Logged on and with a token, at a new world."""
    with logged_on(fresh_sandbox) as client:
        yield client


@contextmanager
def logged_on(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.urls["sap"], auth=LOGON, headers=JSON, timeout=10) as client:
        fetched = client.head(f"{V4}/", headers={"X-CSRF-Token": "Fetch"})
        client.headers["X-CSRF-Token"] = fetched.headers["x-csrf-token"]
        yield client


def post(client: httpx.Client) -> httpx.Response:
    return client.post(f"{V4}/SalesOrder", json=ORDER)


def orders(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return list(sandbox.world()["orders"])


@pytest.mark.parametrize(("kind", "made"), [("dropBeforeCommit", 0), ("dropAfterCommit", 1), ("truncated", 1)])
def test_the_connection_breaks_before_or_after_the_commit(
    fresh_sandbox: RunningSandbox, client: httpx.Client, kind: str, made: int
) -> None:
    fresh_sandbox.fault("sap", kind, method="POST", path=MEANT, count=1)
    with pytest.raises(httpx.TransportError):
        post(client)
    assert len(orders(fresh_sandbox)) == made
    assert post(client).status_code == 201
    assert len(orders(fresh_sandbox)) == made + 1


def test_a_commit_comes_late(fresh_sandbox: RunningSandbox, client: httpx.Client) -> None:
    fresh_sandbox.fault("sap", "commitLate", method="POST", path=MEANT, count=1, seconds=0.2)
    with pytest.raises(httpx.TransportError):
        post(client)
    ends = time.monotonic() + 5
    while not orders(fresh_sandbox):
        assert time.monotonic() < ends, "the late order never came"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("kind", "status"),
    [("unavailable", 503), ("maintenance", 503), ("tooManyRequests", 429), ("serverError", 500), ("logonPage", 200)],
)
def test_it_answers_with_pages_and_limits(
    fresh_sandbox: RunningSandbox, client: httpx.Client, kind: str, status: int
) -> None:
    fresh_sandbox.fault("sap", kind, path=MEANT, retryAfterSeconds=3)
    answer = client.get(f"{V4}/SalesOrder")
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "3")
    assert client.get(f"{ORDERS}/A_SalesOrder").status_code == 200 or kind == "maintenance"


def test_a_right_that_is_missing_is_told_in_the_words_of_v4(
    fresh_sandbox: RunningSandbox, client: httpx.Client
) -> None:
    fresh_sandbox.fault("sap", "forbidden")
    answer = client.get(f"{V4}/SalesOrder")
    assert (answer.status_code, told(answer)) == (403, ["No authorization to access the service"])
    there = client.get(f"{ORDERS}/A_SalesOrder").json()["error"]["message"]
    assert there["value"] == "No authorization to access the service"


def test_a_lock_has_a_status_of_its_own(fresh_sandbox: RunningSandbox, client: httpx.Client) -> None:
    number = post(client).json()["SalesOrder"]
    fresh_sandbox.fault("sap", "locked")
    answer = client.patch(header(number), json={"DeliveryBlockReason": "01"}, headers={"If-Match": "*"})
    assert (answer.status_code, "currently being processed by user" in told(answer)[0]) == (423, True)
    assert post(client).status_code == 423
    batch = send(client, changeset(patch_of(number, "10", 7)))
    assert "HTTP/1.1 423 Locked" in batch.text
    there = client.patch(f"{ORDERS}/A_SalesOrder('{number}')", json={}, headers={"If-Match": "*"})
    assert there.status_code == 400


@pytest.mark.parametrize("spelling", ["SalesOrder('{}')", "SalesOrder(SalesOrder='{}')", "SalesOrder/{}"])
def test_somebody_else_saves_the_order_first(
    fresh_sandbox: RunningSandbox, client: httpx.Client, spelling: str
) -> None:
    number = post(client).json()["SalesOrder"]
    seen = version(client, number)
    fresh_sandbox.fault("sap", "staleVersion", method="PATCH", count=1)
    path = f"{V4}/{spelling.format(number)}"
    change = {"DeliveryBlockReason": "01"}
    assert client.patch(path, json=change, headers={"If-Match": seen}).status_code == 412
    assert client.patch(path, json=change, headers={"If-Match": version(client, number)}).status_code == 200


@pytest.mark.parametrize("spelling", [item_path("{}"), "SalesOrderItem(SalesOrderItem='10',SalesOrder='{}')"])
def test_or_an_item_of_it(fresh_sandbox: RunningSandbox, client: httpx.Client, spelling: str) -> None:
    number = post(client).json()["SalesOrder"]
    seen = version(client, number)
    fresh_sandbox.fault("sap", "staleVersion", count=1)
    path = f"{V4}/{spelling.format(number)}"
    assert client.patch(path, json={"RequestedQuantity": 7}, headers={"If-Match": seen}).status_code == 412


def test_tokens_and_sessions_end(fresh_sandbox: RunningSandbox, client: httpx.Client) -> None:
    fresh_sandbox.fault("sap", "csrfExpired", method="POST", path=MEANT, count=1)
    answer = post(client)
    assert (answer.status_code, answer.headers["x-csrf-token"]) == (403, "Required")
    fresh = client.head(f"{V4}/", headers={"X-CSRF-Token": "Fetch"}).headers["x-csrf-token"]
    client.headers["X-CSRF-Token"] = fresh
    assert post(client).status_code == 201


def test_an_answer_trickles(fresh_sandbox: RunningSandbox, client: httpx.Client) -> None:
    fresh_sandbox.fault("sap", "trickled", path=MEANT, count=1, seconds=0.2)
    assert post(client).json()["_Item"][0]["Product"] == "TG11"


def test_the_journal_tells_the_calls_of_both_versions_apart(
    fresh_sandbox: RunningSandbox, client: httpx.Client
) -> None:
    post(client)
    client.get(f"{ORDERS}/A_SalesOrder")
    seen = [(entry["method"], entry["path"], entry["status"]) for entry in fresh_sandbox.journal("sap")]
    assert seen[-2:] == [("POST", f"{V4}/SalesOrder", 201), ("GET", f"{ORDERS}/A_SalesOrder", 200)]


def test_canaries_sit_in_every_object(fresh_sandbox: RunningSandbox, client: httpx.Client) -> None:
    control = fresh_sandbox.urls["control"]
    wanted = {"system": "sap", "path": "odata4", "fields": {"CostPrice": "17.03"}}
    httpx.post(f"{control}/canaries", json=wanted).raise_for_status()
    made = post(client).json()
    assert [made["CostPrice"], made["_Item"][0]["CostPrice"]] == ["17.03"] * 2
    httpx.delete(f"{control}/canaries").raise_for_status()


def test_a_system_may_have_only_one_of_the_two_services(fresh_sandbox: RunningSandbox, client: httpx.Client) -> None:
    def answers() -> tuple[int, int]:
        asked = (f"{ORDERS}/A_SalesOrder", f"{V4}/SalesOrder")
        there, here = (client.get(path) for path in asked)
        return there.status_code, here.status_code

    assert answers() == (200, 200)
    fresh_sandbox.sap_settings(sales_order="v4")
    assert answers() == (403, 200)
    gone = client.get(f"{ORDERS}/$metadata").json()["error"]
    assert gone["code"] == "/IWFND/MED/170"
    assert gone["message"]["value"] == "No service found for namespace '', name 'API_SALES_ORDER_SRV', version '0001'"
    fresh_sandbox.sap_settings(page_size=7)
    assert answers() == (403, 200)
    fresh_sandbox.sap_settings(sales_order="v2")
    assert answers() == (200, 404)
    gone = client.get(f"{V4}/$metadata").json()["error"]
    assert (gone["code"], gone["message"]) == (
        "/IWBEP/CM_V4_COS/014",
        "Service group 'API_SALESORDER' not published",
    )
    assert client.get("/sap/opu/odata/sap/API_PRODUCT_SRV/A_Product('TG11')").status_code == 200
    fresh_sandbox.reset()
    assert answers() == (200, 200)


def test_a_sandbox_is_started_with_one_of_them_and_stays_so(tmp_path: Path) -> None:
    running = start_sandbox(tmp_path, "--sap-sales-order", "v4")
    try:
        running.reset()
        with logged_on(running) as client:
            assert client.get(f"{ORDERS}/").status_code == 403
            assert post(client).status_code == 201
    finally:
        stop_sandbox(running)


def test_a_version_that_nobody_knows_is_refused(fresh_sandbox: RunningSandbox) -> None:
    wanted = {"salesOrder": "v3"}
    assert httpx.post(f"{fresh_sandbox.urls['control']}/sap/settings", json=wanted).status_code == 400
