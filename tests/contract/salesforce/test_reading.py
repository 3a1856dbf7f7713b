"""Quotes as the client reads them: words, pages, ids, versions."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from typing import Any

import httpx
import msgspec
import pytest

from system_apis.errors import NotFoundInSystem, SystemRefused, SystemUnavailable, UnreadableAnswer
from tests.contract.salesforce.crm import EMPTY, QUOTE, TOKEN_PATH, crm, said, soon, soql, token
from tests.contract.tape import Player, json_answer, tape


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
    assert "WHERE ERP_Order_Number__c IN ('47\\'11\\\\') ORDER BY LastModifiedDate" in soql(player.seen[1])


async def test_the_currency_of_the_record_is_asked_where_the_org_has_it() -> None:
    quote = msgspec.json.decode(tape("salesforce_quote"))
    quote["records"][0] |= {"CurrencyIsoCode": "EUR", "QuoteLineItems": None}
    player = Player([token(), ("GET", httpx.Response(200, json=quote))])
    assert (await crm(player, multi_currency=True).read_quote(QUOTE, deadline=soon())).currency == "EUR"
    assert "CurrencyIsoCode" in soql(player.seen[1])


def quotes(*numbers: str, more: str | None = None) -> httpx.Response:
    one: dict[str, Any] = msgspec.json.decode(tape("salesforce_quote"))["records"][0]
    records = [one | {"QuoteLineItems": None, "ERP_Order_Number__c": number} for number in numbers]
    page = {"totalSize": 9, "done": more is None, "records": records}
    return httpx.Response(200, json=page | ({"nextRecordsUrl": more} if more else {}))


async def test_quotes_of_many_orders_are_followed_over_every_page() -> None:
    more = "/services/data/v68.0/query/01gDn000000abcd-2000"
    player = Player([token(), ("GET", quotes("1", "2", more=more)), ("GET", quotes("3"))])
    found = await crm(player).find_quotes_of_orders(["1", "2", "3", "4"], order_instance="s4", deadline=soon())
    assert sorted(found) == ["1", "2", "3"], "an order without a quote is left out"
    assert "WHERE ERP_Order_Number__c IN ('1','2','3','4') AND ERP_Instance__c = 's4'" in soql(player.asked("GET")[0])
    assert player.asked("GET")[1].url.path == more


async def test_more_orders_than_an_address_holds_are_asked_for_in_several_questions() -> None:
    numbers = [f"{number:010}" for number in range(1000)]
    player = Player([token(), *[("GET", httpx.Response(200, json=EMPTY))] * 4])
    assert await crm(player).find_quotes_of_orders(numbers, deadline=soon()) == {}
    asked = player.asked("GET")
    assert len(asked) > 1
    assert max(len(str(request.url)) + sum(map(len, request.headers.raw)) for request in asked) < 16_384
    assert all(sum(number in soql(request) for request in asked) == 1 for number in numbers)


async def test_a_number_that_no_order_can_have_is_not_asked_for() -> None:
    player = Player([])
    assert await crm(player).find_quote_of_order("9" * 5000, deadline=soon()) is None
    assert await crm(player).find_quote_of_order("", deadline=soon()) is None
    assert player.seen == []


async def test_of_several_quotes_of_an_order_the_one_touched_last_counts() -> None:
    answer = msgspec.json.decode(quotes("1", "1").content)
    answer["records"][1]["Name"] = "touched last"
    player = Player([token(), ("GET", httpx.Response(200, json=answer))])
    found = await crm(player).find_quote_of_order("1", deadline=soon())
    assert soql(player.asked("GET")[0]).endswith("ORDER BY LastModifiedDate")
    assert found is not None
    assert found.name == "touched last"


@pytest.mark.parametrize(
    "more",
    [
        "/services/oauth2/revoke",
        "https://crm.example/services/data/v68.0/limits",
        "/services/data/v68.0/query/../limits",
        "/services/data/v68.0/query/01g\x00",
        "https://[no-address/services/data/v68.0/query/01g",
        "",
    ],
)
async def test_a_next_page_that_is_no_page_of_a_query_is_not_followed(more: str) -> None:
    player = Player([token(), ("GET", quotes("1", more=more or "//elsewhere.example"))])
    with pytest.raises(UnreadableAnswer):
        await crm(player).find_quote_of_order("1", deadline=soon())
    assert len(player.asked("GET")) == 1


async def test_pages_without_end_are_given_up() -> None:
    more = "/services/data/v68.0/query/01gDn000000abcd-2000"
    player = Player([token(), *[("GET", quotes("1", more=more))] * 60])
    with pytest.raises(UnreadableAnswer):
        await crm(player).find_quote_of_order("1", deadline=soon())


async def test_a_page_whose_locator_has_aged_is_a_typed_refusal() -> None:
    more = "/services/data/v68.0/query/01gDn000000abcd-2000"
    gone = said("INVALID_QUERY_LOCATOR", "invalid query locator", 400)
    player = Player([token(), ("GET", quotes("1", more=more)), ("GET", gone)])
    with pytest.raises(SystemRefused) as met:
        await crm(player).find_quote_of_order("1", deadline=soon())
    assert met.value.code == "INVALID_QUERY_LOCATOR"


async def test_a_packed_answer_is_unpacked() -> None:
    packed = httpx.Response(200, content=gzip.compress(quotes("1").content), headers={"Content-Encoding": "gzip"})
    player = Player([token(), ("GET", packed)])
    assert await crm(player).find_quote_of_order("1", deadline=soon()) is not None
    assert player.asked("GET")[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("code", ["MALFORMED_QUERY", "INVALID_FIELD", "INVALID_TYPE"])
async def test_a_question_that_the_org_does_not_understand_is_a_typed_refusal(code: str) -> None:
    player = Player([token(), ("GET", said(code, "No such column 'Plant__c' on entity 'QuoteLineItem'", 400))])
    with pytest.raises(SystemRefused) as met:
        await crm(player).read_quote(QUOTE, deadline=soon())
    assert (type(met.value), met.value.code) == (SystemRefused, code)
    assert "Plant__c" in met.value.message


async def test_a_maintenance_page_means_nothing_was_done() -> None:
    page = httpx.Response(500, text="<html>We are down for maintenance</html>", headers={"Content-Type": "text/html"})
    player = Player([token(), ("GET", page)])
    with pytest.raises(SystemUnavailable):
        await crm(player).read_quote(QUOTE, deadline=soon())
