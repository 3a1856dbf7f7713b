"""Logging on with a token instead of a password; and changes repeated under one RequestID."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.contract.sandbox_sap.conftest import JSON, LOGON, ORDERS, item, order, text_of
from tests.sandbox import RunningSandbox

TOKEN = "/sap/bc/sec/oauth2/token"
GRANT = {"grant_type": "client_credentials"}


def test_a_token_is_given_for_name_and_password_and_lets_in(url: str) -> None:
    by_header = httpx.post(url + TOKEN, data=GRANT, auth=LOGON).json()
    by_form = httpx.post(url + TOKEN, data={**GRANT, "client_id": LOGON[0], "client_secret": LOGON[1]}).json()
    for made in (by_header, by_form):
        assert (made["token_type"], made["expires_in"]) == ("Bearer", 3600)
        bearer = {"Authorization": f"Bearer {made['access_token']}", **JSON}
        assert httpx.get(f"{url}{ORDERS}/A_SalesOrder", headers=bearer).status_code == 200


def test_a_change_by_token_needs_its_csrf_token_too(url: str) -> None:
    token = httpx.post(url + TOKEN, data=GRANT, auth=LOGON).json()["access_token"]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}", **JSON}) as client:
        refused = client.post(f"{ORDERS}/A_SalesOrder", json=order(item("TG11", "1")))
        assert (refused.status_code, refused.headers["x-csrf-token"]) == (403, "Required")
        fetched = client.head(f"{ORDERS}/", headers={"X-CSRF-Token": "Fetch"}).headers["x-csrf-token"]
        made = client.post(f"{ORDERS}/A_SalesOrder", json=order(item("TG11", "1")), headers={"X-CSRF-Token": fetched})
        assert made.status_code == 201


@pytest.mark.parametrize(
    ("form", "auth", "status", "error"),
    [
        (GRANT, ("SANDBOX", "guess"), 401, "invalid_client"),
        (GRANT, None, 401, "invalid_client"),
        ({"grant_type": "password"}, LOGON, 400, "unsupported_grant_type"),
    ],
)
def test_no_token_for_who_is_not_known(
    url: str, form: dict[str, str], auth: tuple[str, str] | None, status: int, error: str
) -> None:
    answer = httpx.post(url + TOKEN, data=form, auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_token_that_is_void_is_challenged_as_such(url: str) -> None:
    answer = httpx.get(f"{url}{ORDERS}/A_SalesOrder", headers={"Authorization": "Bearer nothing"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


# Repeats


@pytest.fixture
def client(fresh_sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fresh_sandbox.urls["sap"], auth=LOGON, headers=JSON) as held:
        held.headers["X-CSRF-Token"] = held.head(f"{ORDERS}/", headers={"X-CSRF-Token": "Fetch"}).headers[
            "x-csrf-token"
        ]
        yield held


def post(client: httpx.Client, name: str, made: datetime | None = None) -> httpx.Response:
    stamp = (made or datetime.now(UTC)).strftime("%Y%m%d%H%M%S")
    headers = {"RequestID": name, "RepeatabilityCreation": stamp}
    return client.post(f"{ORDERS}/A_SalesOrder", json=order(item("TG11", "1")), headers=headers)


def test_a_system_that_does_not_honour_the_request_id_says_so_and_does_it_again(
    client: httpx.Client, fresh_sandbox: RunningSandbox
) -> None:
    name = uuid.uuid4().hex.upper()
    answers = [post(client, name) for _ in range(2)]
    assert {answer.headers["repeatabilityresult"] for answer in answers} == {"unsupported"}
    assert len({answer.json()["d"]["SalesOrder"] for answer in answers}) == 2
    assert "repeatabilityresult" not in client.get(f"{ORDERS}/A_SalesOrder").headers


def test_a_system_that_honours_it_gives_the_first_answer_again_even_if_nobody_heard_that(
    client: httpx.Client, fresh_sandbox: RunningSandbox
) -> None:
    fresh_sandbox.sap_settings(repeatability=True)
    name = uuid.uuid4().hex.upper()
    fresh_sandbox.fault("sap", "dropAfterCommit", method="POST", count=1)
    with pytest.raises(httpx.ReadError):
        post(client, name)
    answers = [post(client, name) for _ in range(2)]
    assert {answer.headers["repeatabilityresult"] for answer in answers} == {"accepted"}
    assert len(fresh_sandbox.world()["orders"]) == 1
    assert post(client, uuid.uuid4().hex).json()["d"]["SalesOrder"] != answers[0].json()["d"]["SalesOrder"]


def test_a_request_id_of_long_ago_is_refused(client: httpx.Client, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.sap_settings(repeatability=True)
    answer = post(client, uuid.uuid4().hex, datetime.now(UTC) - timedelta(days=2))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "/IWBEP/CM_COS/005")
    assert "outdated" in text_of(answer)


def test_a_reset_takes_the_settings_back(client: httpx.Client, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.sap_settings(page_size=1, repeatability=True)
    assert "__next" in client.get(f"{ORDERS}/A_SalesOrder").json()["d"]
    fresh_sandbox.reset()
    assert "__next" not in client.get(f"{ORDERS}/A_SalesOrder").json()["d"]
    assert post(client, uuid.uuid4().hex).headers["repeatabilityresult"] == "unsupported"
