"""Exceptions worked off: found by whoever owns them, taken care of, ended, and told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from process_apis.errors import DecisionNotPossible, NoSuchThing, RequestFaulty, VersionStale
from process_apis.operating.looking import list_operated
from process_apis.operating.models import OperatorException
from process_apis.quote_to_order.models import CancelRequest
from process_apis.quote_to_order.process import cancel_operation
from process_apis.tables import exceptions
from tests.integration.operating.desk import SEALS, Desk
from tests.integration.quote_to_order.shop import NORTH, Shop, open_shop
from tests.integration.quote_to_order.test_exceptions_in_the_crm import told
from tests.sandbox import RunningSandbox


def desk_of(shop: Shop) -> Desk:
    return Desk(shop.store, shop.landscape, shop.durable)


async def with_a_discontinued_line(shop: Shop, sandbox: RunningSandbox) -> tuple[str, OperatorException]:
    done = await shop.convert(sandbox.quote_id("Q-1006"), acceptance={"mode": "validLines"})
    assert done.state == "completedWithExceptions"
    (met,) = await desk_of(shop).exceptions(subject_id=done.operation_id)
    return done.operation_id, met


async def test_each_owner_finds_what_is_theirs_the_most_urgent_first(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    desk = desk_of(shop)
    operation_id, met = await with_a_discontinued_line(shop, fresh_sandbox)
    held = await shop.convert(fresh_sandbox.quote_id("Q-1007"), creditPolicy="createOnHold")
    assert (met.code, met.plant, met.customer, met.overdue) == ("item-discontinued", "1710", "17100001", False)
    everything = await desk.exceptions(limit=1)
    assert [one.due_at for one in everything] == sorted(one.due_at for one in everything)
    assert {one.subject_id for one in everything} == {operation_id, held.operation_id}
    assert {one.code for one in await desk.exceptions(owner="credit")} == {"credit-hold"}
    assert [one.exception_id for one in await desk.exceptions(code="item-discontinued")] == [met.exception_id]
    assert [one.exception_id for one in await desk.exceptions(plant="1710", owner="sales")] == [met.exception_id]
    assert await desk.exceptions(plant="1720") == []
    assert await desk.exceptions(overdue=True) == []
    async with shop.store.begin() as connection:
        await connection.execute(
            update(exceptions)
            .where(exceptions.c.exception_id == met.exception_id)
            .values(due_at=datetime.now(UTC) - timedelta(hours=1))
        )
    (late,) = await desk.exceptions(overdue=True)
    assert (late.exception_id, late.overdue) == (met.exception_id, True)


async def test_an_exception_is_taken_care_of_and_ended_with_a_name_and_a_reason(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    desk = desk_of(shop)
    operation_id, met = await with_a_discontinued_line(shop, fresh_sandbox)
    seen = await desk.acknowledge(met.exception_id)
    assert (seen.state, seen.acknowledged_by, seen.reason) == ("acknowledged", "operator", "I look after it")
    with pytest.raises(DecisionNotPossible):
        await desk.acknowledge(met.exception_id)
    with pytest.raises(VersionStale):  # decided on what stood there before somebody took care of it
        await desk.end(met)
    ended = await desk.end(seen, "waived")
    assert (ended.state, ended.ended_by, ended.due_at) == ("waived", "operator", met.due_at)
    with pytest.raises(DecisionNotPossible):
        await desk.end(ended)
    assert await desk.exceptions() == []
    assert [one.state for one in await desk.exceptions(state="waived")] == ["waived"]
    assert [act for act, *_ in await desk.audited(met.exception_id)] == ["exception.acknowledge", "exception.resolve"]
    (told,) = await desk.events("exception.resolved")
    assert (told.subject, told.data["state"], told.data["operationId"]) == (met.exception_id, "waived", operation_id)
    shown = await shop.look(operation_id, NORTH)
    assert [(one.state, one.remediation) for one in shown.exceptions] == [("waived", ())]


async def test_what_a_partner_hears_of_an_exception_names_no_instance(
    small_shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    _, met = await with_a_discontinued_line(small_shop, fresh_sandbox)
    (told,) = await desk_of(small_shop).events("exception.opened")
    assert told.subject == met.exception_id
    assert told.data["ownerRole"] == "sales"
    assert "detail" not in told.data
    assert "sourceMessage" not in told.data


async def test_the_rest_of_a_quote_may_be_converted_again_and_the_exception_says_where(
    small_shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    operation_id, met = await with_a_discontinued_line(small_shop, fresh_sandbox)
    (shown,) = (await small_shop.look(operation_id, NORTH)).exceptions
    quote_id = fresh_sandbox.quote_id("Q-1006")
    assert [(one.action, one.href, one.method) for one in shown.remediation] == [
        ("convertAgain", f"/v1/quotes/{quote_id}/order-conversions", "POST")
    ]
    again = await small_shop.convert(quote_id, lines=[{"lineId": met.line_id}])
    assert again.state == "rejected", "it is still discontinued, but it was free to be tried"


async def test_a_proposal_says_where_it_is_decided(small_shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    asked = await small_shop.convert(
        fresh_sandbox.quote_id("Q-1010"), pricePolicy={"tolerancePercent": "0", "onMismatch": "hold"}
    )
    assert asked.state == "awaitingDecision"
    (shown,) = (await small_shop.look(asked.operation_id)).exceptions
    assert [one.action for one in shown.remediation] == ["decide", "cancel", "watch"]


async def test_a_list_is_paged_by_a_cursor_of_its_own_filter(small_shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    desk = desk_of(small_shop)
    for name in ("Q-1010", "Q-1011", "Q-1012"):
        await small_shop.convert(fresh_sandbox.quote_id(name))
    whole = await desk.listed()
    assert [one.created_at for one in whole] == sorted((one.created_at for one in whole), reverse=True)
    assert await desk.listed(limit=1) == await desk.listed(limit=2)
    assert [one.operation_id for one in await desk.listed(order_id=whole[0].order_id)] == [whole[0].operation_id]
    assert await desk.listed(state="unfinished") == []
    assert await desk.listed(minimum_age_seconds=3600) == []
    page = await list_operated(Desk.looks(), None, store=small_shop.store, seals=SEALS, limit=1)
    with pytest.raises(RequestFaulty):
        await list_operated(
            Desk.looks(), None, store=small_shop.store, seals=SEALS, limit=1, state="failed", cursor=page.next
        )
    with pytest.raises(RequestFaulty, match="is no state"):
        await desk.listed(state="sleeping")
    with pytest.raises(NoSuchThing):
        await desk.show("op_never")


async def test_a_proposal_that_nobody_took_takes_its_exceptions_along_in_the_crm_too(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    policy = {"tolerancePercent": "0", "onMismatch": "hold"}
    ttl = timedelta(seconds=1)
    async with open_shop(tmp_path / "operations.db", fresh_sandbox.urls, decision_ttl=ttl) as shop:
        asked = await shop.convert(fresh_sandbox.quote_id("Q-1010"), pricePolicy=policy)
        done = await shop.ended(asked.operation_id)
    assert (done.state, [one.state for one in done.exceptions]) == ("expired", ["expired"])
    assert [one["State__c"] for one in told(fresh_sandbox, asked.operation_id)] == ["expired"]


async def test_whoever_stops_a_conversion_ends_its_exceptions(small_shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    asked = await small_shop.convert(
        fresh_sandbox.quote_id("Q-1010"), pricePolicy={"tolerancePercent": "0", "onMismatch": "hold"}
    )
    (met,) = asked.exceptions
    caller = await small_shop.caller()
    stopped = await cancel_operation(
        caller,
        CancelRequest("changed our mind"),
        operation_id=asked.operation_id,
        store=small_shop.store,
        landscape=small_shop.landscape,
        durable=small_shop.durable,
    )
    assert [(one.exception_id, one.state) for one in stopped.exceptions] == [(met.exception_id, "waived")]
    (told_of,) = await desk_of(small_shop).events("exception.resolved")
    assert (told_of.subject, told_of.data["state"]) == (met.exception_id, "waived")
