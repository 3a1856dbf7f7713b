"""A check about an order: what the order holds is given back to its own line, and to no other."""

from __future__ import annotations

from typing import Any

import pytest

from policies.errors import NotVisible
from process_apis.errors import NoSuchThing, RequestFaulty
from tests.integration.atp.counter import check, line, request
from tests.integration.landscape import CRM, NORTH, SOUTH
from tests.integration.order_change.counter import Counter


def about(order_id: str, asked: dict[str, Any], item: str | None = None) -> dict[str, Any]:
    return asked | {"orderRef": {"orderId": order_id} | ({"itemId": item} if item else {})}


def parts(answer: Any, place: int = 0) -> list[tuple[str, int]]:
    return [(str(one.delivery_date), int(one.quantity.value)) for one in answer.lines[place].schedule]


async def test_an_order_is_not_in_its_own_way(counter: Counter) -> None:
    """Sixty lay there and the order took them; asked again without it, they are gone."""
    order_id = await counter.convert("Q-1001")
    wish = line("1", "TG12", "100")
    strange = await check(counter.landscape, request(wish, mode="atp", purpose="orderChange"), CRM)
    own = await check(counter.landscape, request(about(order_id, wish), mode="atp", purpose="orderChange"), NORTH)
    assert own.lines[0].on_time_quantity.value == 60
    assert strange.lines[0].on_time_quantity.value < 60


async def test_what_the_plan_holds_for_the_order_is_given_back_too(counter: Counter) -> None:
    order_id = await counter.convert("Q-1001")
    before = next(item for item in (await counter.order(order_id)).items if item.product == "FG126")
    own = await check(counter.landscape, request(about(order_id, line("1", "FG126", "50"), before.item_id)), NORTH)
    held = sorted((str(one.delivery_date), int(one.quantity.value)) for one in before.schedule)
    assert parts(own) == held
    other = await check(counter.landscape, request(line("1", "FG126", "50")), CRM)
    assert parts(other)[-1][0] > held[-1][0]


async def test_what_other_items_of_the_order_hold_is_not_given_away(counter: Counter) -> None:
    """The order holds sixty of TG12 in its second item; a line about its first item gets none of them."""
    order_id = await counter.convert("Q-1001")
    first = next(item for item in (await counter.order(order_id)).items if item.product == "TG11")
    wish = about(order_id, line("1", "TG12", "60"), first.item_id)
    answer = await check(counter.landscape, request(wish, mode="atp", purpose="orderChange"), NORTH)
    assert answer.lines[0].on_time_quantity.value == 0


async def test_a_foreign_order_and_an_unknown_one_are_the_same(counter: Counter) -> None:
    order_id = await counter.convert("Q-1001")
    told = []
    for ident in (order_id, "s4-1710.99999999", "nowhere.1", "s4-1710.../x"):
        wish = request(about(ident, line("1", "TG11", "4")), sold_to="17100002")
        before = len(counter.sandbox.journal())
        with pytest.raises((NotVisible, NoSuchThing)) as refused:
            await check(counter.landscape, wish, SOUTH)
        asked = [one["method"] for one in counter.sandbox.journal()[before:]]
        told.append((refused.value.kind, refused.value.ident == ident, len(asked)))
    assert told[0] == told[1]
    assert {one[:2] for one in told} == {("order", True)}


async def test_an_order_and_lines_that_do_not_fit_are_refused_by_name(counter: Counter) -> None:
    order_id = await counter.convert("Q-1001")

    async def faults(*lines: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
        with pytest.raises(RequestFaulty) as refused:
            await check(counter.landscape, request(*lines, **more), CRM)
        return [(one.pointer, one.code) for one in refused.value.faults]

    wish = line("1", "TG11", "4")
    assert await faults(about(order_id, wish), sold_to="17100002") == [
        ("#/lines/0/orderRef", "order-of-another-customer")
    ]
    assert await faults(about(order_id, wish, "990")) == [("#/lines/0/orderRef", "order-item-unknown")]
    two = about("s4-1710.7", line("2", "TG11", "1"))
    assert await faults(about(order_id, wish), two) == [("#/lines", "order-ref-mixed")]


async def test_a_rung_that_gives_nothing_back_promises_what_is_in_time_and_calls_the_rest_unknown(
    counter: Counter,
) -> None:
    """The order took the sixty that lay there. Without them a hundred come late, which may not be so: unknown."""
    order_id = await counter.convert("Q-1001")
    counter.sandbox.fault("sap", "serverError", path="API_SALES_ORDER_SIMULATION_SRV")
    wish = about(order_id, line("1", "TG12", "100"))
    beside = line("2", "TG12", "5")
    free = about(order_id, line("3", "TG11", "1"))
    answer = await check(
        counter.landscape,
        request(wish, beside, free, mode="atp", purpose="orderChange", confirmationRule="complete"),
        CRM,
    )
    assert "order-not-given-back" in [one.code for one in answer.warnings]
    assert [one.status for one in answer.lines] == ["unknown", "unknown", "confirmed"]
    assert [one.confirmed_quantity is None for one in answer.lines] == [True, True, False]
    assert [one.code for one in answer.lines[0].exceptions] == ["source-unavailable"]


async def test_a_plan_that_does_not_tell_what_it_holds_for_the_order_leaves_late_lines_unknown(
    counter: Counter,
) -> None:
    order_id = await counter.convert("Q-1001")
    counter.sandbox.fault("scheduler", "serverError", method="GET", path="commitments")
    answer = await check(counter.landscape, request(about(order_id, line("1", "FG126", "50"))), NORTH)
    assert (answer.lines[0].status, answer.lines[0].confirmed_quantity) == ("unknown", None)
    assert "order-not-given-back" in [one.code for one in answer.warnings]


async def test_a_plan_that_keeps_silent_about_the_order_leaves_time_to_ask_the_erp(counter: Counter) -> None:
    order_id = await counter.convert("Q-1001")
    counter.sandbox.fault("scheduler", "stall", method="GET", path="commitments")
    wish = request(about(order_id, line("1", "TG11", "4")), deadlineMs=2000)
    assert (await check(counter.landscape, wish, NORTH)).lines[0].status == "confirmed"
