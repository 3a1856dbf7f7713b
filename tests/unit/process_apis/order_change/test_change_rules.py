"""What a change gives up is found, and nothing else is called a loss."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from process_apis.errors import RequestFaulty
from process_apis.order_change import rules
from process_apis.order_change.checks import read_steps
from process_apis.order_change.models import ENDED, MOVING, TRANSITIONS, ChangeOperation
from process_apis.order_change.rules import Step, Wanted
from process_apis.orders.rules import HeldPiece
from system_apis.sap.models import Confirmation, ItemChange, Order, OrderItem, SalesArea
from system_apis.sap.units import STANDARD

DUE = date(2030, 6, 10)
ZERO = Decimal(0)

amounts = st.decimals(min_value=0, max_value=100, places=2)
held_pieces = st.lists(
    st.builds(
        HeldPiece,
        amounts,
        st.integers(0, 30).map(lambda days: DUE + timedelta(days)),
        st.just("onHand"),
        st.just("erp"),
    ),
    max_size=6,
)


def today_at(plant: str) -> date:
    """In 1720 it is tomorrow already."""
    return DUE + timedelta(days=plant == "1720")


def item(
    number: str = "10", quantity: int = 40, confirmed: int = 40, rejected: str = "", plant: str = "1710"
) -> OrderItem:
    lines = (
        Confirmation(DUE, DUE, Decimal(quantity), Decimal(confirmed)),
        Confirmation(DUE, None, ZERO, ZERO),
    )
    return OrderItem(number, "TG11", plant, Decimal(quantity), "C62", ZERO, rejected, "open", lines, ("1", "2"))


def order(*items: OrderItem) -> Order:
    return Order(
        number="7",
        etag='W/"1"',
        reference="op_1",
        customer_po="PO",
        sold_to="17100001",
        sales_area=SalesArea("1710", "10", "00"),
        requested_date=DUE,
        currency="USD",
        net_amount=ZERO,
        credit="ok",
        delivery_block="",
        billing_block="",
        delivery_status="open",
        changed_at=datetime(2030, 6, 1, tzinfo=UTC),
        items=items,
    )


def by(pieces: list[HeldPiece] | tuple[HeldPiece, ...], day: date) -> Decimal:
    return sum((piece.quantity for piece in pieces if piece.date <= day), ZERO)


@given(now=held_pieces, then=held_pieces)
def test_something_is_lost_exactly_where_less_is_held_by_some_day(now, then) -> None:
    less = any(by(then, piece.date) < by(now, piece.date) for piece in now)
    assert bool(rules.lost(now, then)) == less


@given(now=held_pieces, then=held_pieces)
def test_no_more_is_lost_than_was_held(now, then) -> None:
    lost = rules.lost(now, then)
    assert sum(piece.quantity for piece in lost) <= sum(piece.quantity for piece in now)
    for day in {piece.date for piece in now}:
        assert by(now, day) - by(lost, day) <= by(then, day)


@given(pieces=held_pieces)
def test_what_stays_as_it_is_loses_nothing(pieces) -> None:
    assert rules.lost(pieces, pieces) == ()


@given(erp=held_pieces, plan=held_pieces, quantity=amounts)
def test_an_offer_is_never_more_than_was_wished_and_takes_the_erp_first(erp, plan, quantity) -> None:
    offered = rules.offered(quantity, erp, plan)
    total = sum((piece.quantity for piece in offered), ZERO)
    assert total == min(quantity, sum((piece.quantity for piece in (*erp, *plan)), ZERO))


def test_a_decrease_and_a_later_date_break_no_promise() -> None:
    held = (HeldPiece(Decimal(40), DUE, "onHand", "erp"),)
    (fewer,) = rules.wanted_items(order(item()), [Step("decreaseQuantity", "10", Decimal(30))], today_at)
    assert not rules.broken(held, (HeldPiece(Decimal(30), DUE, "onHand", "erp"),), fewer)
    later = DUE + timedelta(days=9)
    (moved,) = rules.wanted_items(order(item()), [Step("changeDate", "10", day=later)], today_at)
    assert not rules.broken(held, (HeldPiece(Decimal(40), later, "onHand", "erp"),), moved)
    assert rules.broken(held, (HeldPiece(Decimal(40), later + timedelta(days=1), "onHand", "erp"),), moved)


def test_a_wish_changes_only_the_items_it_names() -> None:
    wanted = rules.wanted_items(
        order(item("10"), item("20"), item("30", rejected="10")), [Step("cancelLine", "20")], today_at
    )
    assert [(one.item, one.cancelled, one.changed) for one in wanted] == [("10", False, False), ("20", True, True)]
    assert [demand.line_id for demand in rules.demands(wanted)] == ["10"]


def test_whether_a_day_is_past_is_told_where_the_goods_leave() -> None:
    held = order(item("10", plant="1720"), item("20"))
    wish = [ChangeOperation("changeDate", line_id=number, new_date=DUE) for number in ("10", "20")]
    with pytest.raises(RequestFaulty) as refused:
        read_steps(wish, held, {}, today_at, STANDARD)
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [
        ("date-in-the-past", "#/operations/0/newDate")
    ]


def test_the_patch_writes_what_differs_and_nothing_else() -> None:
    held = order(item("10"), item("20"), item("30"))
    later = DUE + timedelta(days=3)
    steps = [
        Step("increaseQuantity", "10", Decimal(50)),
        Step("changeDate", "20", day=later),
        Step("cancelLine", "30"),
    ]
    patch = rules.patch(held, 'W/"seen"', rules.wanted_items(held, steps, today_at))
    assert patch.etag == 'W/"seen"'
    assert patch.items == (
        ItemChange("10", quantity=Decimal(50), unit="C62"),
        ItemChange("20", requested_date=later, schedule_line="1"),
        ItemChange("30", reject=rules.CANCELLED_AT_REQUEST),
    )


def test_an_order_that_is_as_wanted_counts_as_changed_by_us() -> None:
    before = order(item())
    wanted = rules.wanted_items(before, [Step("increaseQuantity", "10", Decimal(50))], today_at)
    assert not rules.is_applied(before, wanted)
    assert rules.is_applied(order(item(quantity=50)), wanted)
    cancelled = rules.wanted_items(before, [Step("cancelLine", "10")], today_at)
    assert not rules.is_applied(before, cancelled)
    assert rules.is_applied(order(item(rejected="61")), cancelled)


def test_the_plan_is_asked_for_what_the_erp_lacks_and_to_give_back_what_is_not_needed() -> None:
    wanted = (
        Wanted("10", "FG126", "1710", Decimal(50), "C62", DUE, cancelled=False, changed=True),
        Wanted("20", "FG126", "1710", ZERO, "C62", DUE, cancelled=True, changed=True),
        Wanted("30", "FG126", "1710", Decimal(9), "C62", DUE, cancelled=False, changed=False),
        Wanted("40", "TG11", "1710", Decimal(9), "C62", DUE, cancelled=False, changed=True),
    )
    confirmed = {"10": Decimal(10), "40": Decimal(9)}
    needs = rules.requirements(wanted, confirmed, {"20": Decimal(5)}, {"10": "line-a"})
    assert {(one.line_id, one.quantity) for one in needs["1710", "C62"]} == {("line-a", Decimal(40)), ("20", ZERO)}


def test_the_status_of_a_wish_says_what_it_gets() -> None:
    (wanted,) = rules.wanted_items(order(item()), [Step("increaseQuantity", "10", Decimal(50))], today_at)
    on_time, late = (HeldPiece(Decimal(25), DUE + timedelta(days=days), "onHand", "erp") for days in (0, 1))
    assert rules.status(wanted, (on_time, on_time)) == "confirmed"
    assert rules.status(wanted, (on_time, late)) == "confirmedLate"
    assert rules.status(wanted, (on_time,)) == "partiallyConfirmed"
    assert rules.status(wanted, ()) == "datePending"
    assert rules.status(replace(wanted, cancelled=True), ()) == "cancelled"


def test_a_proposal_is_worse_only_where_it_gives_less_by_some_day() -> None:
    before = {"10": (HeldPiece(Decimal(40), DUE, "onHand", "erp"),)}
    assert rules.worse(before, before) == ()
    assert rules.worse(before, {"10": (HeldPiece(Decimal(41), DUE - timedelta(days=1), "onHand", "erp"),)}) == ()
    assert rules.worse(before, {"10": (HeldPiece(Decimal(40), DUE + timedelta(days=1), "onHand", "erp"),)}) == ("10",)
    assert rules.worse(before, {}) == ("10",)


def test_every_state_leads_somewhere_known_and_what_has_ended_stays_ended() -> None:
    for following in TRANSITIONS.values():
        assert following <= set(TRANSITIONS)
    assert {"committed", "partiallyCommitted", "rejected", "withdrawn", "expired", "failed"} == ENDED
    assert not ENDED & MOVING
