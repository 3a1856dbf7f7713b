"""What is written back: our fields only, all or nothing, as often as it takes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from system_apis.errors import (
    CredentialsRefused,
    NotFoundInSystem,
    ObjectLocked,
    OutcomeUnknown,
    OwnerViolation,
    SystemRefused,
    SystemUnavailable,
    VersionMoved,
)
from system_apis.http import Upstream
from system_apis.salesforce.models import LineOutcome, QuoteOutcome
from system_apis.salesforce.rest import Org
from system_apis.salesforce.transaction import Node, commit
from tests.contract.salesforce.crm import (
    EMPTY,
    LINE,
    MET,
    OUTCOME,
    QUOTE,
    body_of,
    composite,
    crm,
    graph,
    guilty,
    halted,
    said,
    soon,
    soql,
    token,
    written,
)
from tests.contract.tape import Player, json_answer

WITH_EXCEPTION = msgspec.structs.replace(OUTCOME, exceptions=(MET,))
LOCKED = guilty("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: 001")
UPSERT = "/services/data/v68.0/sobjects/Ordergate_Exception__c/Exception_Id__c/exc_01%2Fa%3Fb"


def long_outcome(lines: int) -> QuoteOutcome:
    told = tuple(LineOutcome(f"0QLDn00000{n:05}OAC", "confirmed") for n in range(lines))
    return msgspec.structs.replace(WITH_EXCEPTION, lines=told)


async def test_an_outcome_is_written_all_or_nothing() -> None:
    player = Player([token(), ("POST", json_answer("salesforce_written"))])
    await crm(player).write_back(OUTCOME, deadline=soon())
    request = player.seen[1]
    assert request.url.path == "/services/data/v68.0/composite"
    assert b'"Confirmed_Quantity__c":40.5' in request.content
    line, quote = body_of(request)["compositeRequest"]
    assert body_of(request)["allOrNone"] is True
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
    player = Player([token(), ("POST", written(1))])
    await crm(player).write_back(rejected, deadline=soon())
    assert "ERP_Order_Number__c" not in body_of(player.seen[1])["compositeRequest"][0]["body"]


async def test_an_exception_is_made_or_changed_under_its_own_id() -> None:
    player = Player([token(), ("POST", composite((204, None), (201, {"id": "a00", "success": True}), (204, None)))])
    await crm(player).write_back(WITH_EXCEPTION, deadline=soon())
    _, told, quote = body_of(player.seen[1])["compositeRequest"]
    assert quote["url"].endswith(f"/Quote/{QUOTE}")
    assert (told["method"], told["url"]) == ("PATCH", UPSERT)
    assert "Exception_Id__c" not in told["body"], "the key stands in the address and must not be repeated"
    assert told["body"] == {
        "Quote__c": QUOTE,
        "Quote_Line_Id__c": LINE,
        "Operation__c": "op_01",
        "Code__c": "shortage",
        "Category__c": "availability",
        "Severity__c": "warning",
        "State__c": "open",
        "Step__c": "schedule",
        "Owner_Role__c": "planning",
        "Blocking__c": False,
        "Retryable__c": False,
        "Detail__c": "40 C62 find no capacity",
        "Remediation__c": None,
        "Source_System__c": "scheduler",
        "Source_Instance__c": "aps-1710",
        "Source_Code__c": None,
        "Source_Text__c": "y" * 255,
        "Opened_At__c": "2026-11-20T17:00:00.123Z",
        "Due_At__c": "2026-11-21T17:00:00.000Z",
        "Correlation_Id__c": "corr-1",
    }


async def test_an_exception_that_was_made_meanwhile_counts_as_told() -> None:
    text = "duplicate value found: Exception_Id__c duplicates value on record with id: a00Dn000000abcd"
    refused = composite(halted(), guilty("DUPLICATE_VALUE", text), halted())
    player = Player([token(), ("POST", refused), ("POST", written(2))])
    await crm(player).write_back(WITH_EXCEPTION, deadline=soon())
    urls = [part["url"].rpartition("/sobjects/")[2] for part in body_of(player.seen[2])["compositeRequest"]]
    assert urls == [f"QuoteLineItem/{LINE}", f"Quote/{QUOTE}"], "the rest was rolled back with it and is written again"


async def test_another_duplicate_is_a_refusal() -> None:
    text = "duplicate value found: Customers_Own__c duplicates value on record with id: 0Q0Dn000000abcd"
    player = Player([token(), ("POST", composite(halted(), halted(), guilty("DUPLICATE_VALUE", text)))])
    with pytest.raises(SystemRefused) as met:
        await crm(player).write_back(WITH_EXCEPTION, deadline=soon())
    assert met.value.code == "DUPLICATE_VALUE"


async def test_an_exception_that_the_org_refuses_does_not_keep_the_order_number_from_it() -> None:
    refused = composite(halted(), guilty("NOT_FOUND", "The requested resource does not exist", 404), halted())
    player = Player([token(), ("POST", refused), ("POST", written(2))])
    with pytest.raises(NotFoundInSystem):
        await crm(player).write_back(WITH_EXCEPTION, deadline=soon())
    line, quote = body_of(player.seen[2])["compositeRequest"]
    assert quote["body"]["ERP_Order_Number__c"] == "4711"
    assert line["body"]["ERP_Item__c"] == "10"


async def test_a_permission_that_is_missing_on_exceptions_is_told_after_the_rest_is_written() -> None:
    refused = composite(halted(), guilty("INSUFFICIENT_ACCESS_OR_READONLY"), halted())
    player = Player([token(), ("POST", refused), ("POST", written(2))])
    with pytest.raises(CredentialsRefused):
        await crm(player).write_back(WITH_EXCEPTION, deadline=soon())
    assert len(player.asked("POST")) == 3


async def test_the_cause_is_the_part_that_failed_by_itself() -> None:
    refused = composite(halted(), halted(), guilty("FIELD_CUSTOM_VALIDATION_EXCEPTION", "no changes on Fridays"))
    player = Player([token(), ("POST", refused)])
    with pytest.raises(SystemRefused) as met:
        await crm(player).write_back(long_outcome(1), deadline=soon())
    assert (met.value.code, met.value.message) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "no changes on Fridays")


async def test_a_locked_row_is_waited_for_and_all_of_it_written_again() -> None:
    player = Player([token(), ("POST", composite(halted(), LOCKED)), ("POST", written(2))])
    await crm(player).write_back(OUTCOME, deadline=soon())
    first, second = player.asked("POST")[1:]
    assert first.content == second.content


async def test_a_row_that_stays_locked_is_given_up_within_the_deadline() -> None:
    player = Player([token(), *[("POST", composite(halted(), LOCKED))] * 6])
    started = time.monotonic()
    with pytest.raises(ObjectLocked) as met:
        await crm(player).write_back(OUTCOME, deadline=soon(0.3))
    assert time.monotonic() - started < 0.4
    assert (met.value.code, met.value.safe_to_repeat) == ("UNABLE_TO_LOCK_ROW", True)


async def test_a_tape_of_a_rolled_back_composite_names_the_lock() -> None:
    player = Player([token(), ("POST", json_answer("salesforce_halted")), ("POST", written(2))])
    await crm(player).write_back(OUTCOME, deadline=soon())
    assert len(player.asked("POST")) == 3


async def test_more_records_than_a_composite_holds_go_in_one_graph() -> None:
    player = Player([token(), ("POST", graph(*[(204, None)] * 102))])
    await crm(player).write_back(long_outcome(100), deadline=soon())
    (request,) = player.asked("POST")[1:]
    assert request.url.path == "/services/data/v68.0/composite/graph"
    (one,) = body_of(request)["graphs"]
    assert len(one["compositeRequest"]) == 102
    assert {part["method"] for part in one["compositeRequest"]} == {"PATCH"}
    assert len({part["referenceId"] for part in one["compositeRequest"]}) == 102
    assert one["compositeRequest"][100]["url"] == UPSERT


async def test_a_graph_names_its_cause_too() -> None:
    parts = [halted()] * 40
    parts[17] = guilty("STRING_TOO_LONG", "too long")
    player = Player([token(), ("POST", graph(*parts))])
    with pytest.raises(SystemRefused) as met:
        await crm(player).write_back(long_outcome(38), deadline=soon())
    assert met.value.code == "STRING_TOO_LONG"


async def test_more_than_a_graph_holds_goes_in_several_and_the_quote_comes_last() -> None:
    player = Player([token(), ("POST", graph(*[(204, None)] * 500)), ("POST", written(3))])
    await crm(player).write_back(long_outcome(501), deadline=soon())
    last = body_of(player.asked("POST")[2])["compositeRequest"]
    assert [part["url"].split("/")[5] for part in last] == ["QuoteLineItem", "Ordergate_Exception__c", "Quote"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(500, text="<html>"),
        said("UNKNOWN_EXCEPTION", "An unexpected error occurred", 500),
        written(1),
    ],
)
async def test_a_write_back_without_a_readable_answer_is_unknown(answer: httpx.Response) -> None:
    player = Player([token(), ("POST", answer)])
    with pytest.raises(OutcomeUnknown):
        await crm(player).write_back(OUTCOME, deadline=soon())


async def test_a_breakdown_that_was_rolled_back_left_nothing_behind() -> None:
    player = Player([token(), ("POST", composite(halted(), guilty("UNKNOWN_EXCEPTION", status=500)))])
    with pytest.raises(SystemUnavailable):
        await crm(player).write_back(OUTCOME, deadline=soon())


async def test_an_external_id_that_is_not_unique_is_named_as_such() -> None:
    several = (300, ["/services/data/v68.0/sobjects/Ordergate_Exception__c/a00", "…/a01"])
    player = Player([token(), ("POST", composite(halted(), several, halted())), ("POST", written(2))])
    with pytest.raises(SystemRefused) as met:
        await crm(player).write_back(WITH_EXCEPTION, deadline=soon())
    assert met.value.code == "NOT_UNIQUE"


@pytest.mark.parametrize("ident", ["", "Q-1001", "0Q0Dn0000004CqIKAU/../Account"])
async def test_an_outcome_for_an_id_that_can_not_be_one_is_not_sent(ident: str) -> None:
    player = Player([])
    with pytest.raises(NotFoundInSystem):
        await crm(player).write_back(msgspec.structs.replace(OUTCOME, quote_id=ident), deadline=soon())
    assert player.seen == []


def touched(moment: str) -> httpx.Response:
    return httpx.Response(200, json={"totalSize": 1, "done": True, "records": [{"LastModifiedDate": moment}]})


SEEN = datetime(2026, 11, 20, 17, 0, 0, 500_000, UTC)


async def test_a_quote_that_was_touched_since_is_not_written_if_the_caller_says_so() -> None:
    player = Player([token(), ("GET", touched("2026-11-20T17:00:00.501+0000"))])
    with pytest.raises(VersionMoved):
        await crm(player).write_back(OUTCOME, unless_modified_since=SEEN, deadline=soon())
    assert soql(player.seen[1]) == f"SELECT LastModifiedDate FROM Quote WHERE Id = '{QUOTE}'"
    assert len(player.seen) == 2


async def test_a_quote_that_nobody_touched_since_is_written() -> None:
    answers = [token(), ("GET", touched("2026-11-20T17:00:00.500+0000")), ("POST", written(2))]
    await crm(Player(answers)).write_back(OUTCOME, unless_modified_since=SEEN, deadline=soon())
    gone = Player([token(), ("GET", httpx.Response(200, json=EMPTY))])
    with pytest.raises(NotFoundInSystem):
        await crm(gone).write_back(OUTCOME, unless_modified_since=SEEN + timedelta(days=1), deadline=soon())


@pytest.mark.parametrize(
    ("entity", "name"), [("Quote", "Status"), ("QuoteLineItem", "UnitPrice"), ("Account", "Name"), ("Order", "Status")]
)
async def test_a_field_that_is_not_ours_is_not_written(entity: str, name: str) -> None:
    player = Player([])
    upstream = Upstream(
        system="salesforce", instance="crm-main", base_url="https://crm.example", transport=player.transport
    )
    org = Org(upstream, "v68.0")
    errand = org.errand("write", writes=True)
    with pytest.raises(OwnerViolation):
        await commit(org, [Node(entity, QUOTE, {name: "x"})], errand, soon())
    assert player.seen == []
