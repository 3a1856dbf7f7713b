"""How the state of an order reads across systems. Pure: facts in, words out.

An item's confirmed quantity is what the ERP confirms and, where that falls short, what the plan holds for it. A hold
comes before everything else: nothing that the ERP holds back reads as confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from process_apis.orders.models import Hold, ItemStatus, OrderStatus
from system_apis.sap.models import Order, OrderItem
from system_apis.scheduler.models import Commitment

ZERO = Decimal(0)
NOT_APPROVED = ("pending", "rejected")
"""Nothing is delivered of an order that somebody has yet to approve, or would not."""
_WORST_FIRST: tuple[ItemStatus, ...] = (
    "hold",
    "unknown",
    "datePending",
    "partiallyConfirmed",
    "confirmedLate",
    "confirmed",
    "partiallyDelivered",
    "delivered",
)


class HeldPiece(Struct, frozen=True):
    """A part of an item that a system holds for the order on a day."""

    quantity: Decimal
    date: date
    supply: Literal["onHand", "inbound", "production"]
    system: Literal["erp", "scheduler"]
    work_centre: str | None = None


class ItemState(Struct, frozen=True):
    """`confirmed` is None where the plan, which would have to fill a gap, is silent."""

    status: ItemStatus
    confirmed: Decimal | None
    requested_date: date | None
    pieces: tuple[HeldPiece, ...]


def holds_of(order: Order) -> tuple[Hold, ...]:
    found = []
    if order.credit == "blocked":
        found.append(Hold("credit-hold", None, "delivery"))
    if order.delivery_block:
        found.append(Hold("delivery-block", order.delivery_block, "delivery"))
    if order.approval in NOT_APPROVED:
        found.append(Hold("approval-hold", None, "delivery"))
    if order.billing_block:
        found.append(Hold("billing-block", order.billing_block, "billing"))
    return tuple(found)


def held_back(order: Order) -> tuple[Hold, ...]:
    """What stops the delivery: while there is any, nothing of the order is confirmed."""
    return tuple(hold for hold in holds_of(order) if hold.blocks == "delivery")


def item_state(item: OrderItem, commitments: Sequence[Commitment], *, held: bool, plan_known: bool) -> ItemState:
    """One item from what the ERP confirms and the plan holds. `held`: the ERP holds the order's delivery back."""
    wanted = wanted_date(item)
    if item.rejection_reason:
        return ItemState("cancelled", ZERO, wanted, ())
    pieces = held_pieces(item, commitments)
    confirmed = sum((piece.quantity for piece in pieces), ZERO)
    if confirmed < item.quantity and not plan_known:
        return ItemState("hold" if held else "unknown", None, wanted, pieces)
    return ItemState(_status(item, confirmed, wanted, pieces, held=held), confirmed, wanted, pieces)


def order_status(items: Iterable[ItemStatus]) -> OrderStatus:
    """The order is as well off as its worst living item; without any, it is cancelled."""
    living = {status for status in items if status != "cancelled"}
    if "delivered" in living and living != {"delivered"} and "hold" not in living:
        return "partiallyDelivered"
    return next((status for status in _WORST_FIRST if status in living), "cancelled")


def wanted_date(item: OrderItem) -> date | None:
    """The day the customer asked for; the ERP keeps it in the schedule lines."""
    return min((line.requested_date for line in item.confirmations), default=None)


def held_pieces(item: OrderItem, commitments: Iterable[Commitment]) -> tuple[HeldPiece, ...]:
    """The ERP's confirmations, then as much of the plan as is still missing: neither is counted for the other."""
    wanted = wanted_date(item)
    pieces = [
        HeldPiece(line.confirmed, line.date, "inbound" if wanted and line.date > wanted else "onHand", "erp")
        for line in item.confirmations
        if line.date and line.confirmed > 0
    ]
    missing = item.quantity - sum((piece.quantity for piece in pieces), ZERO)
    for one in sorted(commitments, key=lambda one: one.date):
        if missing > 0 and one.unit == item.unit:
            part = min(one.quantity, missing)
            pieces.append(HeldPiece(part, one.date, "production", "scheduler", one.work_centre))
            missing -= part
    return tuple(sorted(pieces, key=lambda piece: (piece.date, piece.system)))


def _status(
    item: OrderItem, confirmed: Decimal, wanted: date | None, pieces: Sequence[HeldPiece], *, held: bool
) -> ItemStatus:
    if item.delivery_status == "complete":
        return "delivered"
    if held:
        return "hold"
    if item.delivery_status == "partial":
        return "partiallyDelivered"
    if confirmed <= 0:
        return "datePending"
    if confirmed < item.quantity:
        return "partiallyConfirmed"
    late = wanted is not None and any(piece.date > wanted for piece in pieces)
    return "confirmedLate" if late else "confirmed"
