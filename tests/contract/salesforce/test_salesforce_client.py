"""The Salesforce client against payloads of the published contract."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import httpx
import msgspec
import pytest

from system_apis.deadline import Deadline
from system_apis.errors import (
    CredentialsRefused,
    NotFoundInSystem,
    ObjectLocked,
    OutcomeUnknown,
    SystemRefused,
    SystemUnavailable,
)
from system_apis.salesforce.client import Salesforce, connect
from system_apis.salesforce.models import LineOutcome, QuoteOutcome
from tests.contract.tape import Answer, Player, json_answer, tape

QUOTE = "0Q0Dn0000004CqIKAU"
LINE = "0QLDn000000Ab01OAC"
TOKEN_PATH = "/services/oauth2/token"


def soon() -> Deadline:
    return Deadline.after(5)


def crm(player: Player, **more: Any) -> Salesforce:
    return connect(
        instance="crm-main",
        base_url="https://crm.example",
        client_id="ordergate",
        client_secret="s3cret",
        transport=player.transport,
        **more,
    )


def token(value: str = "first") -> tuple[str, Answer]:
    body = tape("salesforce_token").replace(b"first", value.encode())
    return "POST", httpx.Response(200, content=body)


def soql(request: httpx.Request) -> str:
    return parse_qs(request.url.query.decode())["q"][0]


async def test_a_quote_is_read_in_our_words_with_the_lines_of_every_page() -> None:
    player = Player([token(), ("GET", json_answer("salesforce_quote")), ("GET", json_answer("salesforce_lines_2"))])
    quote = await crm(player).read_quote(QUOTE, deadline=soon())
    assert (quote.quote_id, quote.number, quote.name, quote.state) == (QUOTE, "00000101", "Q-1001", "approved")
    assert (quote.version, quote.customer, quote.currency) == ("0", "17100001", "USD")
    assert (quote.expires_on, quote.order_number) == (date(2026, 12, 31), None)
    assert quote.modified_at == datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert [line.material for line in quote.lines] == ["TG11", "", "FG126"]
    assert quote.lines[0].quantity == 40
    assert str(quote.lines[1].quantity) == "0.1", "digit by digit, not by way of a float"
    assert (quote.lines[1].unit, quote.lines[1].plant, quote.lines[1].requested_date) == ("", None, None)
    token_request, query, page = player.seen
    assert token_request.url.path == TOKEN_PATH
    assert query.url.path == "/services/data/v68.0/query"
    assert f"WHERE Id = '{QUOTE}'" in soql(query)
    assert "CurrencyIsoCode" not in soql(query)
    assert str(page.url) == "https://crm.example/services/data/v68.0/query/0r8Dn000000abcdIAA-2"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Draft", "draft"),
        ("Needs Review", "inReview"),
        ("In Review", "inReview"),
        ("Approved", "approved"),
        ("Accepted", "accepted"),
        ("Rejected", "rejected"),
        ("Denied", "rejected"),
        ("Presented", "other"),
        ("Angenommen", "other"),
    ],
)
async def test_the_state_comes_from_the_status_text(status: str, state: str) -> None:
    body = tape("salesforce_lines_2").replace(b'"records"', b'"skip"')
    quote = (
        tape("salesforce_quote")
        .replace(b'"Approved"', f'"{status}"'.encode())
        .replace(b'"done": false', b'"done": true')
    )
    player = Player([token(), ("GET", httpx.Response(200, content=quote)), ("GET", httpx.Response(200, content=body))])
    assert (await crm(player).read_quote(QUOTE, deadline=soon())).state == state


async def test_a_quote_without_lines_is_a_quote() -> None:
    quote = msgspec.json.decode(tape("salesforce_quote"))
    quote["records"][0]["QuoteLineItems"] = None
    quote["records"][0]["Revision__c"] = "7"
    player = Player([token(), ("GET", httpx.Response(200, json=quote))])
    read = await crm(player).read_quote(QUOTE, deadline=soon())
    assert (read.lines, read.version) == ((), "7")


@pytest.mark.parametrize("ident", ["", "Q-1001", "0Q0Dn0000004CqIKA", "0Q0Dn0000004CqI' OR Name != '", "../../limits"])
async def test_an_id_that_can_not_be_one_is_not_found_without_a_call(ident: str) -> None:
    player = Player([])
    with pytest.raises(NotFoundInSystem):
        await crm(player).read_quote(ident, deadline=soon())
    assert player.seen == []


async def test_an_unknown_quote_is_not_found() -> None:
    player = Player([token(), ("GET", httpx.Response(200, json={"totalSize": 0, "done": True, "records": []}))])
    with pytest.raises(NotFoundInSystem):
        await crm(player).read_quote(QUOTE, deadline=soon())


async def test_the_quote_of_an_order_is_found_by_its_number_escaped() -> None:
    empty = httpx.Response(200, json={"totalSize": 0, "done": True, "records": []})
    player = Player([token(), ("GET", empty)])
    assert await crm(player).find_quote_of_order("47'11\\", deadline=soon()) is None
    assert "WHERE ERP_Order_Number__c = '47\\'11\\\\' ORDER BY LastModifiedDate DESC LIMIT 1" in soql(player.seen[1])


async def test_the_currency_of_the_record_is_asked_where_the_org_has_it() -> None:
    quote = msgspec.json.decode(tape("salesforce_quote"))
    quote["records"][0] |= {"CurrencyIsoCode": "EUR", "QuoteLineItems": None}
    player = Player([token(), ("GET", httpx.Response(200, json=quote))])
    assert (await crm(player, multi_currency=True).read_quote(QUOTE, deadline=soon())).currency == "EUR"
    assert "CurrencyIsoCode" in soql(player.seen[1])


async def test_a_token_is_asked_with_client_credentials_once_for_all() -> None:
    gets = [("GET", httpx.Response(200, json=[])) for _ in range(5)]
    player = Player([token(), *gets])
    client = crm(player)
    await asyncio.gather(*(client.ping(deadline=soon()) for _ in range(5)))
    (request,) = player.asked("POST")
    assert request.content == b"grant_type=client_credentials"
    assert httpx.BasicAuth("ordergate", "s3cret")._auth_header == request.headers["authorization"]
    assert {one.headers["authorization"] for one in player.asked("GET")} == {"Bearer 00D000000000001!AQ.first"}


async def test_an_expired_session_is_renewed_once_and_the_call_replayed_once() -> None:
    expired = ("GET", json_answer("salesforce_expired", 401))
    player = Player([token(), expired, token("second"), ("GET", httpx.Response(200, json=[]))])
    await crm(player).ping(deadline=soon())
    assert player.asked("GET")[1].headers["authorization"] == "Bearer 00D000000000001!AQ.second"


async def test_a_session_that_stays_expired_is_not_renewed_for_ever() -> None:
    expired = ("GET", json_answer("salesforce_expired", 401))
    player = Player([token(), expired, token("second"), expired])
    with pytest.raises(CredentialsRefused):
        await crm(player).ping(deadline=soon())
    assert len(player.seen) == 4


async def test_a_401_of_another_kind_is_not_answered_with_a_new_token() -> None:
    said = [{"message": "This session is not valid for use with the REST API", "errorCode": "INVALID_SESSION_ID"}]
    player = Player([token(), ("GET", httpx.Response(401, json=said))])
    with pytest.raises(CredentialsRefused):
        await crm(player).ping(deadline=soon())


async def test_a_refused_client_calls_for_an_operator_and_names_no_secret() -> None:
    said = {"error": "invalid_client", "error_description": "s3cret is wrong"}
    player = Player([("POST", httpx.Response(400, json=said))])
    with pytest.raises(CredentialsRefused) as met:
        await crm(player).ping(deadline=soon())
    assert "invalid_client" in str(met.value)
    assert "s3cret" not in str(met.value)


async def test_a_token_endpoint_that_is_down_means_nothing_was_done() -> None:
    player = Player([("POST", httpx.Response(503, headers={"Retry-After": "60"}))])
    with pytest.raises(SystemUnavailable) as met:
        await crm(player).write_back(OUTCOME, deadline=soon())
    assert met.value.retry_after_s == 60


OUTCOME = QuoteOutcome(
    quote_id=QUOTE,
    operation_id="op_01",
    state="completed",
    order_number="4711",
    order_instance="s4-1710",
    confirmed_date=date(2026, 12, 3),
    message="x" * 300,
    lines=(LineOutcome(LINE, "confirmed", "10", Decimal("40.5"), date(2026, 11, 26)),),
)


async def test_an_outcome_is_written_all_or_nothing() -> None:
    player = Player([token(), ("POST", json_answer("salesforce_written"))])
    await crm(player).write_back(OUTCOME, deadline=soon())
    request = player.seen[1]
    assert request.url.path == "/services/data/v68.0/composite"
    assert b'"Confirmed_Quantity__c":40.5' in request.content
    body = msgspec.json.decode(request.content)
    quote, line = body["compositeRequest"]
    assert body["allOrNone"] is True
    assert (quote["method"], quote["url"]) == ("PATCH", f"/services/data/v68.0/sobjects/Quote/{QUOTE}")
    assert (line["method"], line["url"]) == ("PATCH", f"/services/data/v68.0/sobjects/QuoteLineItem/{LINE}")
    assert quote["body"] == {
        "Ordergate_Operation__c": "op_01",
        "Ordergate_State__c": "completed",
        "Ordergate_Message__c": "x" * 255,
        "Confirmed_Date__c": "2026-12-03",
        "ERP_Order_Number__c": "4711",
        "ERP_Instance__c": "s4-1710",
    }
    assert line["body"] == {
        "Ordergate_State__c": "confirmed",
        "Confirmed_Quantity__c": 40.5,
        "Confirmed_Date__c": "2026-11-26",
        "Ordergate_Message__c": None,
        "ERP_Item__c": "10",
    }


async def test_a_rejected_part_does_not_take_the_order_number_away() -> None:
    rejected = msgspec.structs.replace(OUTCOME, state="rejected", order_number=None, order_instance=None, lines=())
    answer = httpx.Response(200, json={"compositeResponse": [{"body": None, "httpStatusCode": 204}]})
    player = Player([token(), ("POST", answer)])
    await crm(player).write_back(rejected, deadline=soon())
    fields = msgspec.json.decode(player.seen[1].content)["compositeRequest"][0]["body"]
    assert "ERP_Order_Number__c" not in fields


async def test_the_cause_is_the_part_that_failed_by_itself() -> None:
    player = Player([token(), ("POST", json_answer("salesforce_halted"))])
    with pytest.raises(ObjectLocked) as met:
        await crm(player).write_back(OUTCOME, deadline=soon())
    assert met.value.code == "UNABLE_TO_LOCK_ROW"


async def test_more_records_than_a_composite_holds_go_in_one_collection() -> None:
    lines = tuple(LineOutcome(f"0QLDn000000Ab{n:02}OAC", "confirmed") for n in range(30))
    outcome = msgspec.structs.replace(OUTCOME, lines=lines)
    saved = [{"id": "x", "success": True, "errors": []} for _ in range(31)]
    player = Player([token(), ("PATCH", httpx.Response(200, json=saved))])
    await crm(player).write_back(outcome, deadline=soon())
    (request,) = player.asked("PATCH")
    body = msgspec.json.decode(request.content)
    assert request.url.path == "/services/data/v68.0/composite/sobjects"
    assert body["allOrNone"] is True
    assert body["records"][0]["attributes"] == {"type": "Quote"}
    assert [one["id"] for one in body["records"][1:3]] == [lines[0].line_id, lines[1].line_id]


async def test_a_collection_names_its_cause_too() -> None:
    lines = tuple(LineOutcome(f"0QLDn000000Ab{n:02}OAC", "confirmed") for n in range(30))
    innocent = {"success": False, "errors": [{"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": "x"}]}
    guilty = {"success": False, "errors": [{"statusCode": "STRING_TOO_LONG", "message": "too long", "fields": ["A"]}]}
    player = Player([token(), ("PATCH", httpx.Response(200, json=[innocent, guilty, innocent]))])
    with pytest.raises(SystemRefused) as met:
        await crm(player).write_back(msgspec.structs.replace(OUTCOME, lines=lines), deadline=soon())
    assert met.value.code == "STRING_TOO_LONG"


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(500, text="<html>")])
async def test_a_write_back_without_a_readable_answer_is_unknown(answer: httpx.Response) -> None:
    player = Player([token(), ("POST", answer)])
    with pytest.raises(OutcomeUnknown):
        await crm(player).write_back(OUTCOME, deadline=soon())


async def test_the_spent_daily_limit_is_unavailability() -> None:
    said = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    player = Player([token(), ("GET", httpx.Response(403, json=said))])
    with pytest.raises(SystemUnavailable):
        await crm(player).read_quote(QUOTE, deadline=soon())
