"""What a plan holds for an order is given back to the lines about its items, and nothing that it holds for others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from policies.clients import Client
from process_apis.atp.checks import resolve
from process_apis.atp.own_order import OwnOrder, own_order
from system_apis.deadline import Deadline
from system_apis.sap.models import Order, OrderItem
from system_apis.scheduler.models import Commitment, Commitments
from tests.integration.atp.counter import line, request
from tests.unit.process_apis.atp.town import AREA, town

DAY = date(2030, 1, 7)
NUMBER = "4711"


def order_of(*items: str) -> Order:
    """All of its items are of one material."""
    zero = Decimal(0)
    made = tuple(OrderItem(one, "A", "P1", Decimal(5), "C62", zero, "", "open", (), ()) for one in items)
    states = ("notChecked", "", "", "open", datetime.now(UTC))
    return Order(NUMBER, "W/1", "op_1", "PO", "17100001", AREA, DAY, "USD", zero, *states, made)  # type: ignore[arg-type]


class Erp:
    def __init__(self, order: Order) -> None:
        self.order = order

    async def read_order(self, _number: str, **_: Any) -> Order:
        return self.order


class Floor:
    def __init__(self, held: Sequence[str]) -> None:
        self.held = tuple(Commitment(one, "A", Decimal(5), "C62", DAY, "P1-1") for one in held)

    async def commitments(self, number: str, **_: Any) -> Commitments:
        return Commitments(number, "P1", "1", "1", None, self.held)


async def given_back(items: Sequence[str], held: Sequence[str], *about: str) -> OwnOrder:
    lines = [
        line(name, "A", "5", plant="P1", orderRef={"orderId": f"s4-a.{NUMBER}", "itemId": item})
        for name, item in zip("ab", about, strict=False)
    ]
    wish = request(*lines)
    landscape = town(Random(1)).landscape()
    neighbours: Any = landscape
    neighbours.erps["s4-a"], neighbours.schedulers["aps-P1"] = Erp(order_of(*items)), Floor(held)
    client = Client("crm", "CRM", "crm", frozenset(), ("*",), ("*",), "internal")
    own = await own_order(
        client, wish, resolve(wish, landscape, "17100001"), "17100001", landscape=landscape, until=Deadline.after(1)
    )
    assert own is not None
    return own


@pytest.mark.parametrize(
    ("held", "names", "kept"),
    [
        (("10", "20"), {"a": "10"}, set()),
        (("20",), {}, set()),  # it is known to be held for the other item
        (("line-1",), {}, {"P1"}),  # it may be held for either
        (("20", "line-1"), {"a": "line-1"}, set()),
        ((), {}, set()),
    ],
)
async def test_what_is_held_for_another_item_of_the_same_material_is_not_given_back(
    held: Sequence[str], names: dict[str, str], kept: set[str]
) -> None:
    own = await given_back(("10", "20"), held, "10")
    assert (dict(own.names), set(own.kept)) == (names, kept)


async def test_what_may_be_held_for_either_is_given_back_where_the_check_is_about_both() -> None:
    own = await given_back(("10", "20"), ("line-1",), "10", "20")
    assert (dict(own.names), set(own.kept)) == ({"a": "line-1"}, set())
