"""An order reads as its systems hold it: a hold is never confirmed, a silent plan is never zero."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from process_apis.orders.rules import held_back, item_state, order_status
from system_apis.sap.models import Approval, Confirmation, Order, OrderItem, SalesArea
from system_apis.scheduler.models import Commitment

DUE = date(2030, 6, 10)
amounts = st.decimals(min_value=0, max_value=100, places=2)
days = st.integers(-5, 30).map(lambda days: DUE + timedelta(days))


def item(*confirmed: tuple[Decimal | int, date], quantity: int = 50) -> OrderItem:
    lines = tuple(Confirmation(DUE, day, Decimal(0), Decimal(amount)) for amount, day in confirmed)
    lines = lines or (Confirmation(DUE, None, Decimal(quantity), Decimal(0)),)
    numbers = tuple(str(place) for place in range(1, len(lines) + 1))
    return OrderItem("10", "FG126", "1710", Decimal(quantity), "C62", Decimal(0), "", "open", lines, numbers)


def held(amount: Decimal | int, day: date = DUE, unit: str = "C62") -> Commitment:
    return Commitment("10", "FG126", Decimal(amount), unit, day, "WC-ASSY-1")


@given(
    confirmed=st.lists(st.tuples(st.decimals(0, 10, places=1), days), max_size=4),
    planned=st.lists(st.tuples(amounts, days), max_size=4),
    on_hold=st.booleans(),
)
def test_an_item_never_shows_more_than_is_ordered(confirmed, planned, on_hold) -> None:
    state = item_state(item(*confirmed), [held(*one) for one in planned], held=on_hold, plan_known=True)
    assert state.confirmed is not None and 0 <= state.confirmed <= 50
    assert sum((piece.quantity for piece in state.pieces), Decimal(0)) == state.confirmed
    if on_hold:
        assert state.status == "hold"


def test_the_plan_fills_what_the_erp_leaves_open_and_no_more() -> None:
    state = item_state(item((30, DUE)), [held(40, DUE + timedelta(days=2))], held=False, plan_known=True)
    assert (state.status, state.confirmed) == ("confirmedLate", 50)
    assert [(piece.quantity, piece.system) for piece in state.pieces] == [(30, "erp"), (20, "scheduler")]


def test_a_silent_plan_leaves_a_gap_unknown() -> None:
    assert item_state(item((30, DUE)), [], held=False, plan_known=False).confirmed is None
    assert item_state(item((30, DUE)), [], held=False, plan_known=False).status == "unknown"
    assert item_state(item((30, DUE)), [], held=True, plan_known=False).status == "hold"
    assert item_state(item((50, DUE)), [], held=False, plan_known=False).status == "confirmed"


def test_a_commitment_in_another_unit_is_not_added_up() -> None:
    assert item_state(item(), [held(50, unit="CT")], held=False, plan_known=True).status == "datePending"


def test_a_rejected_item_is_cancelled_and_a_delivered_one_delivered() -> None:
    assert item_state(replace(item(), rejection_reason="10"), [], held=True, plan_known=True).status == "cancelled"
    assert item_state(replace(item(), delivery_status="complete"), [], held=True, plan_known=True).status == "delivered"


@pytest.mark.parametrize(
    ("items", "status"),
    [
        (["confirmed", "confirmed"], "confirmed"),
        (["confirmed", "confirmedLate"], "confirmedLate"),
        (["confirmedLate", "partiallyConfirmed"], "partiallyConfirmed"),
        (["confirmed", "unknown"], "unknown"),
        (["confirmed", "hold"], "hold"),
        (["confirmed", "cancelled"], "confirmed"),
        (["cancelled", "cancelled"], "cancelled"),
        (["delivered", "confirmed"], "partiallyDelivered"),
        (["delivered", "cancelled"], "delivered"),
        ([], "cancelled"),
    ],
)
def test_an_order_is_as_well_off_as_its_worst_living_item(items, status) -> None:
    assert order_status(items) == status


@pytest.mark.parametrize(
    ("approval", "codes"),
    [("pending", ["approval-hold"]), ("rejected", ["approval-hold"]), ("approved", []), ("notRelevant", [])],
)
def test_what_nobody_has_approved_is_held_back(approval: Approval, codes: list[str]) -> None:
    now = datetime(2030, 6, 1, tzinfo=UTC)
    area = SalesArea("1710", "10", "00")
    made = Order(
        "1", "etag", "op", "PO", "17100001", area, DUE, "USD", Decimal(0), "ok", "", "", "open", now, (item(),)
    )
    assert [hold.code for hold in held_back(replace(made, approval=approval))] == codes
