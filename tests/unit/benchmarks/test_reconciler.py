"""The judge of the campaign, judged: what is in order passes, and each thing that can be wrong is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from benchmarks.chaos.asked import Asked, Quote
from benchmarks.chaos.neighbours import Commitment, CrmLine, CrmQuote, Item, Neighbours, Order
from benchmarks.chaos.reconciler import Finding, manual, reconcile
from benchmarks.chaos.troubles import BLOWS, CALLS, pairs, plan
from system_apis.sandbox.faults.wanted import FaultWanted

EARLY, LATE = date(2026, 11, 25), date(2026, 12, 14)
TWO, THREE = Decimal(2), Decimal(3)


def asked(state: str = "completed", order: str | None = "s4-1710.1000000001") -> Asked:
    one = Asked(Quote("0Q0-1", "Q-2001", "17100001"))
    one.answered("key-1", {"operationId": "op_1", "state": state, "orderId": order, "exceptions": []})
    return one


ORDER = Order(
    "1000000001",
    "CHAOS-Q-2001",
    "op_1",
    (Item("10", "TG11", TWO, TWO, (EARLY,)), Item("20", "FG126", THREE, Decimal(0), ())),
)
QUOTE = CrmQuote(
    "Q-2001",
    "1000000001",
    "completed",
    "op_1",
    LATE,
    (
        CrmLine("line-1", "TG11", TWO, EARLY, "10", TWO, EARLY),
        CrmLine("line-2", "FG126", THREE, EARLY, "20", THREE, LATE),
    ),
)
PIECE = Commitment("line-2", "FG126", THREE, LATE)


def held(
    orders: tuple[Order, ...] = (ORDER,), quote: CrmQuote = QUOTE, commitments: tuple[Commitment, ...] = (PIECE,)
) -> Neighbours:
    return Neighbours(orders, {"0Q0-1": quote}, {"1000000001": commitments})


def kinds(found: list[Finding]) -> set[str]:
    return {finding.kind for finding in found}


def test_an_order_on_which_all_agree_is_nothing_to_speak_of() -> None:
    assert reconcile([asked()], held()) == []


def test_what_was_promised_and_is_not_there_is_lost() -> None:
    assert "lost" in kinds(reconcile([asked()], held(orders=())))
    assert "lost" in kinds(reconcile([asked("unknown")], held()))


def test_two_orders_of_one_quote_are_a_double_even_under_another_reference() -> None:
    second = replace(ORDER, number="1000000002", reference="op_2")
    assert kinds(reconcile([asked()], held(orders=(ORDER, second)))) == {"doubled"}


def test_a_line_that_became_two_items_is_no_order_of_that_quote() -> None:
    twice = replace(ORDER, items=(*ORDER.items, replace(ORDER.items[0], number="30")))
    assert kinds(reconcile([asked()], held(orders=(twice,)))) == {"crm out of step"}


@pytest.mark.parametrize(
    "changes",
    [
        {"order": None},
        {"order": "1000000009"},
        {"operation": "op_9"},
        {"state": "writingBack"},
        {"day": EARLY},
        {"day": None},
        {"lines": (QUOTE.lines[0], replace(QUOTE.lines[1], item=None))},
        {"lines": (QUOTE.lines[0], replace(QUOTE.lines[1], item="10"))},
        {"lines": (QUOTE.lines[0], replace(QUOTE.lines[1], confirmed=TWO))},
        {"lines": (QUOTE.lines[0], replace(QUOTE.lines[1], day=EARLY))},
    ],
    ids=", ".join,
)
def test_a_crm_that_says_something_else_is_out_of_step(changes: dict[str, Any]) -> None:
    assert "crm out of step" in kinds(reconcile([asked()], held(quote=replace(QUOTE, **changes))))


def test_what_is_made_before_it_was_asked_for_is_promised_for_the_day_asked_for() -> None:
    wanted_later = replace(QUOTE, lines=(QUOTE.lines[0], replace(QUOTE.lines[1], requested=LATE)))
    assert reconcile([asked()], held(quote=wanted_later, commitments=(replace(PIECE, day=EARLY),))) == []


def test_a_client_that_was_told_another_number_was_told_wrong() -> None:
    assert kinds(reconcile([asked(order="s4-1710.1000000007")], held())) == {"crm out of step"}


@pytest.mark.parametrize("quantities", [[], [TWO], [THREE, THREE]], ids=["missing", "too little", "too much"])
def test_a_plan_that_holds_something_else_is_out_of_step(quantities: list[Decimal]) -> None:
    pieces = tuple(replace(PIECE, quantity=quantity) for quantity in quantities)
    assert "plan out of step" in kinds(reconcile([asked()], held(commitments=pieces)))


def test_capacity_held_for_an_order_that_does_not_exist_is_found() -> None:
    found = reconcile([asked("actionRequired", None)], held(orders=()))
    assert kinds(found) == {"plan out of step"}


@pytest.mark.parametrize("state", ["received", "validating", "creatingOrder", "scheduling", "writingBack"])
def test_what_moves_still_is_stuck(state: str) -> None:
    assert kinds(reconcile([asked(state, None)], held())) == {"stuck"}


def test_a_client_that_nobody_ever_answered_is_stuck() -> None:
    assert kinds(reconcile([Asked(Quote("0Q0-1", "Q-2001", "17100001"))], held(orders=(), commitments=()))) == {"stuck"}


@pytest.mark.parametrize("state", ["rejected", "failed", "expired", "cancelled"])
def test_an_end_without_an_order_needs_a_reason_and_leaves_no_order_behind(state: str) -> None:
    assert kinds(reconcile([asked(state, None)], held(orders=(), commitments=()))) == {"ended without need"}
    assert kinds(reconcile([asked(state, None)], held())) == {"ended without need", "unasked"}


def test_an_order_of_no_quote_is_found() -> None:
    stranger = replace(ORDER, number="1000000003", po="CHAOS-Q-9999")
    assert kinds(reconcile([asked()], held(orders=(ORDER, stranger)))) == {"unasked"}


def another_answer(one: Asked) -> None:
    one.answered("key-1", {"operationId": "op_2", "state": "completed", "orderId": None})


def no_link(one: Asked) -> None:
    one.refused_second(None)


@pytest.mark.parametrize("breaks", [another_answer, no_link])
def test_a_key_that_does_not_keep_its_promise_is_found(breaks: Callable[[Asked], None]) -> None:
    one = asked()
    breaks(one)
    assert "key broken" in kinds(reconcile([one], held()))


def test_what_is_left_to_people_comes_with_its_reasons() -> None:
    one = asked("actionRequired", None)
    one.told["op_1"]["exceptions"] = [{"code": "write-back-pending"}]
    (left,) = manual([one])
    assert (left.about, left.reasons) == ("Q-2001", ("write-back-pending",))


def test_the_same_seed_brings_the_same_troubles() -> None:
    assert plan(7, 60, ("a", "b")) == plan(7, 60, ("a", "b"))
    assert plan(7, 60, ("a", "b")) != plan(8, 60, ("a", "b"))


def test_the_shortest_campaign_deals_out_every_fault_at_every_call_and_every_blow() -> None:
    troubles = plan(7, 32, ("a", "b"))
    dealt = {(trouble.target.removeprefix("at "), trouble.what) for trouble in troubles if trouble.fault}
    assert dealt == {(call.step, kind) for call, kind in pairs()}
    assert {trouble.what for trouble in troubles if not trouble.fault} == set(BLOWS)
    assert {call.system for call in CALLS} == {"sap", "salesforce", "scheduler"}


def test_every_fault_is_one_that_the_sandbox_takes() -> None:
    for trouble in plan(7, 60, ("a", "b")):
        if trouble.fault:
            FaultWanted(**trouble.fault)
