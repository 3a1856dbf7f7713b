"""Where the systems disagree about an order: somebody changed it in one of them only. Pure: facts in, words out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from system_apis.sap.models import Order, OrderItem
from system_apis.scheduler.models import Commitment

Kind = Literal["plan-for-cancelled-item", "plan-exceeds-order", "plan-for-no-item", "crm-names-no-order"]


class Mismatch(NamedTuple):
    """`says` is one sentence for the person who has to look at it."""

    kind: Kind
    says: str


def between(
    order: Order, commitments: Sequence[Commitment], line_ids: Mapping[str, str], *, crm_names_order: bool | None
) -> tuple[Mismatch, ...]:
    """`line_ids` is our line of each item: the plan knows items by either name. `crm_names_order` says whether the
    quote names any order; None if there is no quote, if the CRM is silent, or if it is still to be told."""
    found = list(_of_plan(order, commitments, line_ids))
    if crm_names_order is False:
        found.append(Mismatch("crm-names-no-order", f"the CRM's quote does not name order {order.number}"))
    return tuple(found)


def _of_plan(order: Order, commitments: Sequence[Commitment], line_ids: Mapping[str, str]) -> Iterator[Mismatch]:
    unclaimed = {one.line_id for one in commitments}
    for item in order.items:
        names = {item.item, line_ids.get(item.item, item.item)}
        unclaimed -= names
        held = [one for one in commitments if one.line_id in names]
        if held:
            yield from _of_item(item, held)
    for line_id in sorted(unclaimed):
        yield Mismatch("plan-for-no-item", f"the plan holds capacity for {line_id}, which is no item of the order")


def _of_item(item: OrderItem, held: Sequence[Commitment]) -> Iterator[Mismatch]:
    if item.rejection_reason:
        yield Mismatch("plan-for-cancelled-item", f"item {item.item} is cancelled, the plan still makes it")
        return
    planned = sum((one.quantity for one in held if one.unit == item.unit), Decimal(0))
    confirmed = sum((line.confirmed for line in item.confirmations), Decimal(0))
    if confirmed + planned > item.quantity:
        said = (
            f"item {item.item} is for {item.quantity:f}, the ERP confirms {confirmed:f} and the plan makes {planned:f}"
        )
        yield Mismatch("plan-exceeds-order", said)
