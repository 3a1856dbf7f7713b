"""Logon, client, sessions and CSRF tokens, as the application server has them before any service is reached."""

from __future__ import annotations

import httpx

from tests.contract.sandbox_sap.conftest import JSON, LOGON, ORDERS, item, order


def test_without_a_password_nobody_comes_in(url: str) -> None:
    for auth in (None, ("SANDBOX", "guess"), ("", "")):
        answer = httpx.get(f"{url}{ORDERS}/A_SalesOrder", auth=auth, headers=JSON)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic realm=")


def test_the_client_may_be_named_in_header_or_query_and_must_be_the_right_one(url: str) -> None:
    def status(**sent: object) -> int:
        return httpx.get(f"{url}{ORDERS}/", auth=LOGON, **sent).status_code  # type: ignore[arg-type]

    assert status(headers={"sap-client": "100"}) == 200
    assert status(params={"sap-client": "100"}) == 200
    assert status(headers={"sap-client": "200"}) == 401


def test_a_change_without_a_token_is_told_that_one_is_required(reader: httpx.Client) -> None:
    answer = reader.post(f"{ORDERS}/A_SalesOrder", json=order(item("TG11", "1")))
    assert answer.status_code == 403
    assert answer.headers["x-csrf-token"] == "Required"
    assert answer.text == "CSRF token validation failed"


def test_a_token_fetched_once_serves_several_changes(reader: httpx.Client) -> None:
    token = reader.get(f"{ORDERS}/", headers={"X-CSRF-Token": "Fetch"}).headers["x-csrf-token"]
    for _ in range(2):
        answer = reader.post(f"{ORDERS}/A_SalesOrder", json=order(item("TG11", "1")), headers={"X-CSRF-Token": token})
        assert answer.status_code == 201


def test_a_token_is_worth_nothing_without_the_cookies_of_its_session(url: str, writer: httpx.Client) -> None:
    token = writer.headers["X-CSRF-Token"]
    with httpx.Client(base_url=url, auth=LOGON, headers=JSON | {"X-CSRF-Token": token}) as stranger:
        answer = stranger.post(f"{ORDERS}/A_SalesOrder", json=order(item("TG11", "1")))
    assert (answer.status_code, answer.headers["x-csrf-token"]) == (403, "Required")


def test_the_same_session_gets_the_same_token_again(writer: httpx.Client) -> None:
    again = writer.head(f"{ORDERS}/A_SalesOrder", headers={"X-CSRF-Token": "Fetch"})
    assert again.headers["x-csrf-token"] == writer.headers["X-CSRF-Token"]
    assert "set-cookie" not in again.headers


def test_head_answers_with_a_token_on_every_path_even_an_unknown_one(reader: httpx.Client) -> None:
    for path in ("/", "/A_SalesOrder/", "/A_SalesOrder", "/A_Nothing"):
        answer = reader.head(f"{ORDERS}{path}", headers={"X-CSRF-Token": "Fetch"})
        assert answer.headers["x-csrf-token"] not in ("", "Fetch", "Required")
        assert answer.content == b""


def test_an_unknown_service_is_not_found(reader: httpx.Client) -> None:
    assert reader.get("/sap/opu/odata/sap/API_NOTHING_SRV/").status_code == 404
    assert reader.get("/").status_code == 404
