"""Versions, allowances and limits: what an org says of itself."""

from __future__ import annotations

import httpx
import pytest

from system_apis.errors import NotFoundInSystem, SystemRefused, SystemTimeout, SystemUnavailable
from system_apis.salesforce.rest import Allowance
from tests.contract.salesforce.crm import EMPTY, OUTCOME, QUOTE, crm, said, soon, token, versions
from tests.contract.tape import Player

NO_RESOURCE = said("NOT_FOUND", "The requested resource does not exist", 404)


async def test_a_version_that_the_org_does_not_serve_is_a_clear_failure() -> None:
    with pytest.raises(SystemRefused) as met:
        await crm(Player([token(), versions()]), api_version="v69.0").ping(deadline=soon())
    assert met.value.code == "UNSUPPORTED_API_VERSION"
    assert met.value.message == "the org serves v65.0 to v68.0, and api_version is v69.0"


async def test_with_a_wrong_version_a_quote_is_not_taken_for_unknown() -> None:
    with pytest.raises(SystemRefused) as met:
        await crm(Player([token(), ("GET", NO_RESOURCE)])).read_quote(QUOTE, deadline=soon())
    assert (type(met.value), met.value.code) == (SystemRefused, "UNSUPPORTED_API_VERSION")
    assert not isinstance(met.value, NotFoundInSystem)
    with pytest.raises(SystemRefused, match="does not serve v68"):
        await crm(Player([token(), ("POST", NO_RESOURCE)])).write_back(OUTCOME, deadline=soon())


async def test_a_retired_version_is_typed() -> None:
    gone = said("GONE", "This API version is retired", 410)
    with pytest.raises(SystemRefused, match="retired") as met:
        await crm(Player([token(), ("GET", gone)])).read_quote(QUOTE, deadline=soon())
    assert (met.value.code, met.value.status) == ("UNSUPPORTED_API_VERSION", 410)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("TotalRequests Limit exceeded.", 900),
        ("ConcurrentRequests (Concurrent API Requests) Limit exceeded.", 5),
    ],
)
async def test_each_spent_limit_has_its_own_pace(text: str, hint: float) -> None:
    player = Player([token(), ("GET", said("REQUEST_LIMIT_EXCEEDED", text, 403))])
    with pytest.raises(SystemUnavailable) as met:
        await crm(player).read_quote(QUOTE, deadline=soon())
    assert met.value.retry_after_s == hint
    assert len(player.asked("GET")) == 1, "asking again at once would only use up more"


async def test_a_query_that_ran_out_of_time_is_a_timeout() -> None:
    player = Player([token(), ("GET", said("QUERY_TIMEOUT", "Your query request was running for too long.", 400))])
    with pytest.raises(SystemTimeout):
        await crm(player).read_quote(QUOTE, deadline=soon())


async def test_the_allowance_is_told_after_every_answer_that_names_it() -> None:
    told: list[Allowance] = []
    usage = {"Sforce-Limit-Info": "api-usage=18/5000; per-app-api-usage=17/250(appName=sample-app)"}
    fine = httpx.Response(200, json=EMPTY, headers=usage)
    spent = said(
        "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403, **{"Sforce-Limit-Info": "api-usage=5000/5000"}
    )
    player = Player([token(), versions(), ("GET", fine), ("GET", spent)])
    client = crm(player, metered=told.append)
    await client.ping(deadline=soon())
    assert told == [], "the list of versions is not metered"
    await client.find_quote_of_order("1", deadline=soon())
    with pytest.raises(SystemUnavailable):
        await client.find_quote_of_order("1", deadline=soon())
    assert told == [Allowance("crm-main", 18, 5000), Allowance("crm-main", 5000, 5000)]


async def test_an_unreadable_allowance_is_passed_over() -> None:
    told: list[Allowance] = []
    answer = httpx.Response(200, json=EMPTY, headers={"Sforce-Limit-Info": "api-usage=many/5000"})
    await crm(Player([token(), ("GET", answer)]), metered=told.append).find_quote_of_order("1", deadline=soon())
    assert told == []
