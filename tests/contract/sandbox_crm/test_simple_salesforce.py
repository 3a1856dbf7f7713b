"""The CRM, met by the client that others wrote through the TLS door, with no help but its own authority."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

from tests.sandbox import RunningSandbox


class HostMapping(HTTPAdapter):
    """Sends what is meant for Salesforce's hosts to the sandbox's door; the Host field stays as it was."""

    def __init__(self, door: str) -> None:
        super().__init__()
        self._door = urlsplit(door).netloc

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # type: ignore[override]
        meant = urlsplit(request.url or "")
        request.headers["Host"] = meant.netloc
        request.url = meant._replace(netloc=self._door).geturl()
        return super().send(request, **how)


@pytest.fixture
def session(fresh_sandbox: RunningSandbox) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = fresh_sandbox.ca
        session.mount("https://", HostMapping(fresh_sandbox.urls["salesforceTls"]))
        yield session


def log_in(session: requests.Session, secret: str = "salesforce-sandbox-secret", **more: Any) -> Salesforce:
    return Salesforce(domain="ordergate.my", consumer_key="ordergate", consumer_secret=secret, session=session, **more)


@pytest.fixture
def crm(session: requests.Session) -> Salesforce:
    return log_in(session)


def test_it_logs_in_by_client_credentials_at_its_own_host(crm: Salesforce) -> None:
    assert crm.sf_instance == "ordergate.my.salesforce.com"
    assert crm.session_id.startswith("00D")


def test_a_wrong_secret_is_told_as_salesforce_tells_it(session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid client credentials") as refused:
        log_in(session, "wrong")
    assert refused.value.code == "invalid_client"


def test_a_quote_is_found_with_its_account_and_its_lines(crm: Salesforce) -> None:
    found = crm.query(
        "SELECT Id, Name, Status, ExpirationDate, Account.ERP_Customer__c, (SELECT Product2.ProductCode, Quantity, "
        "Unit__c, Plant__c, Requested_Date__c FROM QuoteLineItems ORDER BY SortOrder) "
        "FROM Quote WHERE Name = 'Q-1001' AND Status = 'Approved' LIMIT 1"
    )
    assert (found["totalSize"], found["done"]) == (1, True)
    (quote,) = found["records"]
    assert quote["Account"]["ERP_Customer__c"] == "17100001"
    assert quote["attributes"] == {
        "type": "Quote",
        "url": f"/services/data/v59.0/sobjects/Quote/{quote['Id']}",
    }
    lines = quote["QuoteLineItems"]["records"]
    assert [(line["Product2"]["ProductCode"], line["Quantity"], line["Unit__c"]) for line in lines] == [
        ("TG11", 40.0, "C62"),
        ("TG12", 100.0, "C62"),
        ("FG126", 50.0, "C62"),
    ]
    today = date.fromisoformat(quote["ExpirationDate"]) - timedelta(days=30)
    assert {line["Requested_Date__c"] for line in lines} == {str(today + timedelta(days=5))}


def test_a_row_is_read_and_written_and_its_stamps_move(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1010")
    before = crm.Quote.get(quote_id)
    assert crm.Quote.update(quote_id, {"ERP_Order_Number__c": "1000000001", "Confirmed_Date__c": "2027-03-05"}) == 204
    after = crm.Quote.get(quote_id)
    assert (after["ERP_Order_Number__c"], after["Confirmed_Date__c"]) == ("1000000001", "2027-03-05")
    assert after["Status"] == before["Status"] == "Approved"
    assert after["LastModifiedDate"] > before["LastModifiedDate"]
    assert after["SystemModstamp"] > before["SystemModstamp"]
    assert before["LastModifiedDate"].endswith(".000+0000")
    assert crm.Quote.update(quote_id, {"ERP_Order_Number__c": None}) == 204
    assert crm.Quote.get(quote_id)["ERP_Order_Number__c"] is None


def test_fifteen_characters_of_an_id_are_enough(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1001")
    assert len(quote_id) == 18
    assert crm.Quote.get(quote_id[:15])["Id"] == quote_id
    assert crm.query(f"SELECT Id FROM Quote WHERE Id = '{quote_id[:15]}'")["records"][0]["Id"] == quote_id


def test_an_account_is_created_updated_by_its_external_id_and_deleted(crm: Salesforce) -> None:
    made = crm.Account.create({"Name": "Delta Drives", "ERP_Customer__c": "17100099"})
    assert (made["success"], made["id"][:3], len(made["id"])) == (True, "001", 18)
    assert crm.Account.upsert("ERP_Customer__c/17100099", {"Name": "Delta Drives Inc"}) == 200
    assert crm.Account.upsert("ERP_Customer__c/17100100", {"Name": "Epsilon"}) == 201
    assert crm.Account.get_by_custom_id("ERP_Customer__c", "17100099")["Name"] == "Delta Drives Inc"
    assert crm.Account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        crm.Account.delete(made["id"])


def test_a_missing_row_is_not_found(crm: Salesforce) -> None:
    with pytest.raises(SalesforceResourceNotFound, match="NOT_FOUND"):
        crm.Quote.get("0Q0Hp0000009999KAA")


def test_an_expired_session_is_renewed_by_the_client(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    first = crm.session_id
    fresh_sandbox.expire_sessions()
    assert crm.query("SELECT COUNT() FROM Quote")["totalSize"] > 0
    assert crm.session_id != first


def test_a_revoked_session_is_over(crm: Salesforce, session: requests.Session) -> None:
    held = Salesforce(instance=crm.sf_instance, session_id=crm.session_id, session=session)
    crm.oauth2("revoke", {"token": crm.session_id}, method="POST")
    with pytest.raises(SalesforceExpiredSession, match="INVALID_SESSION_ID"):
        held.query("SELECT Id FROM Quote")


def test_the_use_of_the_daily_limit_is_told(crm: Salesforce) -> None:
    crm.query("SELECT Id FROM Account LIMIT 1")
    usage = crm.api_usage["api-usage"]
    assert usage.total == 100_000
    assert usage.used > 0


def test_a_describe_names_the_fields_that_may_be_written(crm: Salesforce) -> None:
    fields = {f["name"]: f for f in crm.Quote.describe()["fields"]}
    assert fields["ERP_Order_Number__c"]["updateable"]
    assert not fields["QuoteNumber"]["updateable"]
    assert fields["AccountId"]["referenceTo"] == ["Account"]


def test_an_older_version_answers_an_upsert_without_a_body(session: requests.Session) -> None:
    old = log_in(session, version="45.0")
    assert old.Account.upsert("ERP_Customer__c/17100001", {"Name": "Northwind Tooling"}) == 204


def test_a_malformed_query_is_a_bad_request(crm: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_QUERY"):
        crm.query("SELECT Id Name FROM Quote")


def test_it_logs_in_by_a_signed_assertion(session: requests.Session, fresh_sandbox: RunningSandbox) -> None:
    signed = {"username": "ordergate@sandbox.example", "privatekey_file": fresh_sandbox.jwt_key}
    crm = Salesforce(domain="ordergate.my", consumer_key="ordergate", session=session, **signed)
    assert crm.query("SELECT COUNT() FROM Quote")["totalSize"] > 0
    hint = pytest.warns(UserWarning, match="authorize this")  # the client knows these words of Salesforce's
    with hint, pytest.raises(SalesforceAuthenticationFailed, match="user hasn't approved this consumer"):
        Salesforce(domain="ordergate.my", consumer_key="ordergate", session=session, **signed | {"username": "x"})
    with pytest.raises(SalesforceAuthenticationFailed, match="client identifier invalid"):
        Salesforce(domain="ordergate.my", consumer_key="nobody", session=session, **signed)


def test_all_rows_are_found_through_every_page(crm: Salesforce) -> None:
    crm.headers["Sforce-Query-Options"] = "batchSize=5"
    found = crm.query_all("SELECT Id, Name FROM Quote ORDER BY Name")
    count = crm.query("SELECT COUNT() FROM Quote")["totalSize"]
    assert [record["Name"] for record in found["records"]] == [f"Q-{1001 + place}" for place in range(count)]
    assert (found["totalSize"], found["done"]) == (count, True)


def test_an_exception_is_upserted_by_its_id(crm: Salesforce) -> None:
    kind = crm.Ordergate_Exception__c
    statuses = [kind.upsert("Exception_Id__c/exc_9", {"Code__c": "late"}) for _ in range(2)]
    assert statuses == [201, 200]
    assert kind.get_by_custom_id("Exception_Id__c", "exc_9")["Code__c"] == "late"
    with pytest.raises(SalesforceMalformedRequest, match="DUPLICATE_VALUE"):
        kind.create({"Exception_Id__c": "exc_9"})
