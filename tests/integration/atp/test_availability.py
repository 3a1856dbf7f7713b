"""An availability check against a SAP and a scheduler that really answer."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from policies.errors import NotVisible
from process_apis.atp.models import InternalPromise, PartnerPromise
from process_apis.atp.token import open_promise
from process_apis.errors import NoSourceAnswered, RequestFaulty
from process_apis.landscape import Landscape
from tests.integration.atp.counter import SEALS, THREE, check, line, request
from tests.integration.landscape import NOBODY_LISTENS, NORTH, Overheard, open_landscape, urls_of
from tests.sandbox import RunningSandbox


async def test_three_lines_come_on_time_late_and_short_of_stock(landscape: Landscape) -> None:
    answer = await check(landscape, request(*THREE))
    assert isinstance(answer, InternalPromise)
    assert [one.status for one in answer.lines] == ["confirmed", "confirmedLate", "confirmedLate"]
    _, late, short = answer.lines
    assert [(str(piece.quantity.value), piece.supply) for piece in late.schedule] == [
        ("60", "onHand"),
        ("40", "inbound"),
    ]
    assert short.schedule[0].supply == "onHand" and short.schedule[0].quantity.value == 10
    assert {piece.supply for piece in short.schedule[1:]} == {"production"}
    assert sum(piece.quantity.value for piece in short.schedule) == 50
    assert [factor.ref for factor in short.limiting_factors] == ["FG126", "WC-ASSY-1"]
    assert [(one.system, one.instance, one.outcome) for one in answer.sources] == [
        ("erp", "s4-1710", "ok"),
        ("scheduler", "aps-1710", "ok"),
    ]
    assert answer.status == "complete"


async def test_without_the_scheduler_the_same_line_is_only_partly_confirmed(landscape: Landscape) -> None:
    answer = await check(landscape, request(THREE[2], mode="atp"))
    (short,) = answer.lines
    assert (short.status, short.confirmed_quantity.value, short.unconfirmed_quantity.value) == (
        "partiallyConfirmed",
        10,
        40,
    )
    assert [(one.system, one.rung) for one in answer.sources] == [("erp", "simulation"), ("erp", "masterData")]
    assert [(piece.supply, piece.firmness) for piece in short.schedule] == [
        ("onHand", "unreserved"),
        ("leadTime", "estimated"),
    ]


@pytest.mark.parametrize(("mode", "asked_for"), [("atpThenCtp", ["40"]), ("ctp", ["50"]), ("atp", [])])
async def test_the_scheduler_is_asked_as_the_mode_says(
    fresh_sandbox: RunningSandbox, mode: str, asked_for: list[str]
) -> None:
    overheard = Overheard()
    async with open_landscape(urls_of(fresh_sandbox), overheard) as landscape:
        await check(landscape, request(THREE[2], mode=mode))
    scenarios = overheard.bodies("/v1/scenarios")
    assert [need["quantity"] for scenario in scenarios for need in scenario["requirements"]] == asked_for


async def test_a_discontinued_item_is_rejected_and_the_others_are_promised(landscape: Landscape) -> None:
    answer = await check(landscape, request(THREE[0], line("2", "TG14", "1")))
    assert [one.status for one in answer.lines] == ["confirmed", "rejected"]
    (exception,) = answer.lines[1].exceptions
    assert (exception.code, exception.line_id, exception.blocking) == ("item-discontinued", "2", True)
    assert exception.source_message is not None and "Discontinued" in exception.source_message.text


async def test_a_customer_on_credit_hold_gets_no_confirmed_line(landscape: Landscape) -> None:
    answer = await check(landscape, request(line("1", "TG11", "5"), sold_to="17100003"))
    assert answer.lines[0].status == "datePending"
    assert [one.code for one in answer.lines[0].exceptions] == ["credit-hold"]


async def test_what_is_nowhere_is_backordered_where_the_erp_knows_how_long_it_takes_to_get_more(
    landscape: Landscape,
) -> None:
    answer = await check(landscape, request(line("1", "TG20", "7"), mode="atp"))
    (ordered,) = answer.lines
    assert (ordered.status, ordered.confirmed_quantity.value, ordered.unconfirmed_quantity.value) == (
        "backordered",
        0,
        7,
    )
    (piece,) = ordered.schedule
    assert (piece.quantity.value, piece.supply, piece.firmness, piece.confidence) == (7, "leadTime", "estimated", "low")
    assert piece.delivery_date == landscape.today + timedelta(days=10)
    assert [one.rung for one in answer.sources if one.id == piece.source] == ["masterData"]


async def test_nothing_available_is_an_answer_too(landscape: Landscape) -> None:
    answer = await check(landscape, request(line("1", "TG20", "7"), mode="ctp"))
    assert (answer.lines[0].status, answer.lines[0].confirmed_quantity.value) == ("unavailable", 0)
    assert answer.lines[0].schedule == ()


async def test_a_carton_is_answered_in_cartons(landscape: Landscape) -> None:
    answer = await check(landscape, request(line("1", "TG17", "2", quantity={"value": "2", "unit": "CT"})))
    assert (answer.lines[0].status, answer.lines[0].confirmed_quantity.unit) == ("confirmed", "CT")


async def test_the_erps_own_unit_is_understood(landscape: Landscape) -> None:
    asked = request(line("1", "TG11", "2", quantity={"value": "2", "unit": "ST", "scheme": "sap"}))
    assert (await check(landscape, asked)).lines[0].requested.quantity.unit == "C62"


async def test_a_partner_reads_no_instance_plant_id_or_work_centre(landscape: Landscape) -> None:
    answer = await check(landscape, request(*THREE), NORTH)
    assert isinstance(answer, PartnerPromise)
    head, _, token = msgspec.json.encode(answer).decode().partition('"promiseToken":"')
    shown = head + token.partition('"')[2]
    assert "Palo Alto" in shown
    assert not re.search(r's4-1710|aps-1710|WC-ASSY|"1710"', shown)


async def test_the_promise_token_says_what_was_promised(landscape: Landscape) -> None:
    answer = await check(landscape, request(*THREE), NORTH)
    fact = open_promise(SEALS, answer.promise_token)
    assert (fact.check_id, fact.client, fact.sold_to) == (answer.check_id, "dealer-north", "17100001")
    assert [(one.product, one.quantity) for one in fact.lines] == [("TG11", 40), ("TG12", 100), ("FG126", 50)]
    assert [piece.quantity for piece in fact.lines[1].pieces] == [Decimal(60), Decimal(40)]


async def test_a_dead_scheduler_leaves_only_the_short_line_unknown(fresh_sandbox: RunningSandbox) -> None:
    async with open_landscape(replace(urls_of(fresh_sandbox), scheduler=NOBODY_LISTENS)) as landscape:
        answer = await check(landscape, request(*THREE))
    assert [one.status for one in answer.lines] == ["confirmed", "confirmedLate", "unknown"]
    assert answer.lines[2].confirmed_quantity is None
    assert answer.status == "degraded"
    assert [one.source for one in answer.warnings] == ["s2"]


async def test_a_slow_scheduler_costs_the_deadline_and_no_more(
    landscape: Landscape, fresh_sandbox: RunningSandbox
) -> None:
    fresh_sandbox.fault("scheduler", "delay", seconds=5)
    before = asyncio.get_running_loop().time()
    answer = await check(landscape, request(*THREE, deadlineMs=700))
    assert asyncio.get_running_loop().time() - before < 1.5
    assert [(one.system, one.outcome) for one in answer.sources] == [("erp", "ok"), ("scheduler", "timeout")]
    assert answer.lines[2].status == "unknown"
    assert {task.get_coro().__name__ for task in asyncio.all_tasks()}.isdisjoint({"_ask_plan", "_ask_erp"})


async def test_a_dead_erp_leaves_all_unknown_while_the_scheduler_answers(fresh_sandbox: RunningSandbox) -> None:
    async with open_landscape(replace(urls_of(fresh_sandbox), sap=NOBODY_LISTENS)) as landscape:
        answer = await check(landscape, request(*THREE, mode="ctp"))
        assert {one.status for one in answer.lines} == {"unknown"}
        with pytest.raises(NoSourceAnswered):
            await check(landscape, request(*THREE))


async def test_a_dead_erp_costs_only_the_lines_of_its_own_plants(fresh_sandbox: RunningSandbox) -> None:
    urls = urls_of(fresh_sandbox)
    async with open_landscape(urls) as alive, open_landscape(replace(urls, sap=NOBODY_LISTENS)) as dead:
        plants = alive.plants | {"1720": replace(alive.plants["1720"], erp="s4-1720")}
        erps = alive.erps | {"s4-1720": dead.erps["s4-1710"]}
        landscape = replace(alive, plants=plants, erps=erps)
        answer = await check(landscape, request(THREE[0], line("2", "TG11", "1", plant="1720"), mode="atp"))
    assert [one.status for one in answer.lines] == ["confirmed", "unknown"]
    assert [(one.instance, one.outcome) for one in answer.sources] == [("s4-1710", "ok"), ("s4-1720", "error")]


async def test_a_complete_delivery_comes_on_one_day(landscape: Landscape) -> None:
    answer = await check(landscape, request(THREE[1], confirmationRule="complete"))
    assert len({piece.delivery_date for piece in answer.lines[0].schedule}) == 1
    assert [alternative.kind for alternative in answer.lines[0].alternatives] == ["split"]


async def test_another_dealers_customer_does_not_exist(landscape: Landscape, sandbox: RunningSandbox) -> None:
    with pytest.raises(NotVisible) as refused:
        await check(landscape, request(*THREE, sold_to="17100002"), NORTH)
    assert (refused.value.kind, refused.value.ident) == ("customer", "17100002")
    with pytest.raises(NotVisible):
        await check(landscape, request(line("1", "TG11", "1", plant="9999")), NORTH)
    assert sandbox.journal("sap") == []


async def test_leading_zeros_are_padding(landscape: Landscape) -> None:
    answer = await check(landscape, request(THREE[0], sold_to="0017100001"), NORTH)
    assert open_promise(SEALS, answer.promise_token).sold_to == "17100001"


async def test_every_fault_is_named_at_once_and_nobody_is_asked(landscape: Landscape, sandbox: RunningSandbox) -> None:
    wrong = request(
        line("1", "TG11", "0"),
        line("1", "TG11", "1", days=-2),
        line("3", "TG11", "1", days=3000),
        line("4", "TG11", "1", quantity={"value": "1", "unit": "XYZ"}),
        line("5", "4006381333931", "1", product={"id": "4006381333931", "scheme": "gtin"}),
        line("6", "TG11", "1", plant="9999"),
    )
    with pytest.raises(RequestFaulty) as refused:
        await check(landscape, wrong)
    assert {(fault.pointer, fault.code) for fault in refused.value.faults} == {
        ("#/lines/0/quantity/value", "quantity-not-positive"),
        ("#/lines/1/lineId", "duplicate-line-id"),
        ("#/lines/1/requestedDate", "date-in-the-past"),
        ("#/lines/2/requestedDate", "date-too-far"),
        ("#/lines/3/quantity/unit", "uom-invalid"),
        ("#/lines/4/product", "reference-unknown"),
        ("#/lines/5/plant", "plant-unknown"),
    }
    assert sandbox.journal("sap") == []


async def test_a_hundred_lines_are_answered_and_one_more_is_refused(landscape: Landscape) -> None:
    hundred = [line(str(n), "TG11", "1") for n in range(100)]
    assert len((await check(landscape, request(*hundred))).lines) == 100
    with pytest.raises(RequestFaulty) as refused:
        await check(landscape, request(*hundred, line("one more", "TG11", "1")))
    assert [fault.pointer for fault in refused.value.faults] == ["#/lines"]
