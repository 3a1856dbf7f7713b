"""Where ERP, plan and CRM disagree about an order, it is said; where they agree, nothing is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from process_apis.orders.mismatches import between
from system_apis.sap.models import Confirmation, Order, OrderItem, SalesArea
from system_apis.scheduler.models import Commitment

DUE = date(2030, 6, 10)
ITEM = OrderItem(
    "10", "FG126", "1710", Decimal(50), "C62", Decimal(0), "", "open",
    (Confirmation(DUE, DUE, Decimal(10), Decimal(10)), Confirmation(DUE, None, Decimal(40), Decimal(0))), ("1", "2"),
)  # fmt: skip
LINES = {"10": "line-a"}


def order(item: OrderItem = ITEM) -> Order:
    return Order(
        "4711", 'W/"1"', "op_1", "PO-1", "17100001", SalesArea("1710", "10", "00"), DUE, "USD", Decimal(0), "approved",
        "", "", "open", datetime(2030, 6, 1, tzinfo=UTC), (item,),
    )  # fmt: skip


def planned(amount: int, line: str = "line-a") -> Commitment:
    return Commitment(line, "FG126", Decimal(amount), "C62", DUE, "WC-ASSY-1")


def test_systems_that_agree_are_not_talked_about() -> None:
    assert between(order(), [planned(40)], LINES, crm_names_order=True) == ()
    assert between(order(), [planned(40, "10")], LINES, crm_names_order=None) == ()


@pytest.mark.parametrize(
    ("item", "plan", "named", "kind"),
    [
        (replace(ITEM, rejection_reason="00"), [planned(40)], True, "plan-for-cancelled-item"),
        (ITEM, [planned(41)], True, "plan-exceeds-order"),
        (ITEM, [planned(40), planned(5, "line-b")], True, "plan-for-no-item"),
        (ITEM, [planned(40)], False, "crm-names-no-order"),
    ],
)
def test_a_disagreement_is_named(item: OrderItem, plan: list[Commitment], named: bool, kind: str) -> None:
    assert [one.kind for one in between(order(item), plan, LINES, crm_names_order=named)] == [kind]
