"""Which of its interfaces the ERP is asked by: by purpose, and by what it offers us."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from process_apis.atp import inquiries as module
from process_apis.atp.inquiries import Inquiries
from process_apis.errors import NoSourceAnswered
from process_apis.landscape import Landscape
from tests.integration.atp.counter import check, line, request
from tests.sandbox import RunningSandbox

SIMULATION, AVAILABILITY = "API_SALES_ORDER_SIMULATION_SRV", "API_PRODUCT_AVAILY_INFO_BASIC"
TWO = (line("1", "TG11", "40"), line("2", "TG12", "100"))


def asked_of_sap(sandbox: RunningSandbox, service: str) -> list[dict[str, Any]]:
    """What reached a service of SAP, without the opening of sessions."""
    return [one for one in sandbox.journal("sap") if service in one["path"] and one["method"] == "POST"]


async def test_browsing_asks_the_cheap_interface_once_for_all_lines(
    landscape: Landscape, fresh_sandbox: RunningSandbox
) -> None:
    answer = await check(landscape, request(*TWO, purpose="browse"))
    assert [one.status for one in answer.lines] == ["confirmed", "confirmedLate"]
    assert next((one.rung, one.api) for one in answer.sources) == ("availability", AVAILABILITY)
    assert len(asked_of_sap(fresh_sandbox, AVAILABILITY)) == 1
    assert asked_of_sap(fresh_sandbox, SIMULATION) == []
    assert [one.code for one in answer.warnings] == ["credit-not-checked"]


async def test_both_interfaces_promise_the_same_of_the_same_stock(landscape: Landscape) -> None:
    lines = (*TWO, line("3", "FG126", "50", days=12), line("4", "TG12", "150", days=1))
    browsed = await check(landscape, request(*lines, purpose="browse"))
    quoted = await check(landscape, request(*lines, purpose="quote"))
    for one, other in zip(browsed.lines, quoted.lines, strict=True):
        assert [(piece.quantity, piece.delivery_date) for piece in one.schedule] == [
            (piece.quantity, piece.delivery_date) for piece in other.schedule
        ]
        assert one.status == other.status


async def test_lines_of_one_material_share_what_there_is(landscape: Landscape) -> None:
    answer = await check(
        landscape, request(line("1", "TG12", "50"), line("2", "TG12", "50"), purpose="browse", mode="atp")
    )
    assert [one.on_time_quantity.value for one in answer.lines] == [50, 10]


async def test_an_interface_that_is_closed_to_us_is_left_alone_for_a_while(
    landscape: Landscape, fresh_sandbox: RunningSandbox
) -> None:
    fresh_sandbox.fault("sap", "forbidden", path=SIMULATION)
    shared = Inquiries()
    first = await check(landscape, request(*TWO), inquiries=shared)
    assert [(one.rung, one.outcome) for one in first.sources] == [("simulation", "error"), ("availability", "ok")]
    assert first.status == "degraded"
    tried = len([one for one in fresh_sandbox.journal("sap") if SIMULATION in one["path"]])
    second = await check(landscape, request(*TWO), inquiries=shared)
    assert [(one.rung, one.outcome) for one in second.sources] == [("availability", "ok")]
    assert second.status == "complete"
    assert len([one for one in fresh_sandbox.journal("sap") if SIMULATION in one["path"]]) == tried


async def test_it_is_tried_again_when_the_while_is_over(
    landscape: Landscape, fresh_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PROBE_AGAIN_S", 0.0)
    fault = fresh_sandbox.fault("sap", "forbidden", path=SIMULATION)
    shared = Inquiries()
    await check(landscape, request(*TWO), inquiries=shared)
    fresh_sandbox.lift(fault)
    again = await check(landscape, request(*TWO), inquiries=shared)
    assert [one.rung for one in again.sources] == ["simulation"]


async def test_stock_is_the_last_resort_and_says_how_little_it_knows(
    landscape: Landscape, fresh_sandbox: RunningSandbox
) -> None:
    for service in (SIMULATION, AVAILABILITY):
        fresh_sandbox.fault("sap", "forbidden", path=service)
    answer = await check(landscape, request(*TWO, mode="atp"))
    late = answer.lines[1]
    assert [(piece.quantity.value, piece.supply, piece.firmness, piece.confidence) for piece in late.schedule] == [
        (60, "onHand", "estimated", "low"),
        (40, "leadTime", "estimated", "low"),
    ]
    assert late.schedule[1].delivery_date == landscape.today + timedelta(days=10)


@pytest.mark.parametrize("purpose", ["order", "orderChange"])
async def test_an_order_is_never_promised_from_mere_stock(
    landscape: Landscape, fresh_sandbox: RunningSandbox, purpose: str
) -> None:
    for service in (SIMULATION, AVAILABILITY):
        fresh_sandbox.fault("sap", "forbidden", path=service)
    with pytest.raises(NoSourceAnswered):
        await check(landscape, request(*TWO, purpose=purpose))


async def test_a_hundred_lines_cost_one_round_trip_and_one_for_what_is_remembered(
    landscape: Landscape, fresh_sandbox: RunningSandbox
) -> None:
    hundred = [line(str(n), f"TG1{n % 4}", "1") for n in range(100)]
    shared = Inquiries()
    await check(landscape, request(*hundred), inquiries=shared)
    posts = [one["path"] for one in fresh_sandbox.journal("sap") if one["method"] == "POST"]
    assert len(posts) == 2, posts
    await check(landscape, request(*hundred), inquiries=shared)
    later = [one["path"] for one in fresh_sandbox.journal("sap") if one["method"] == "POST"][2:]
    assert [SIMULATION in path for path in later] == [True]


async def test_a_scenario_is_discarded_once_it_has_answered(
    landscape: Landscape, fresh_sandbox: RunningSandbox
) -> None:
    await check(landscape, request(line("1", "FG126", "50")))
    heard = [(one["method"], one["path"].rsplit("/", 1)[0]) for one in fresh_sandbox.journal("scheduler")]
    assert heard == [("POST", "/v1"), ("DELETE", "/v1/scenarios")]
