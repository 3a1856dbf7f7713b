"""How an order change is decided: an order and a wish in, the wanted items and what they cost out. Pure.

`lost` is the point of it all: a harmless-looking edit makes the ERP check availability anew, and what it held for the
order may go to somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from process_apis.calendars import TodayAt
from process_apis.orders.models import ItemStatus
from process_apis.orders.rules import HeldPiece, wanted_date
from system_apis.sap.models import Demand, ItemChange, Order, OrderItem, OrderPatch
from system_apis.scheduler.models import Requirement

ZERO = Decimal(0)
CANCELLED_AT_REQUEST = "10"
"""The reason for rejection that a cancelled item gets: items are rejected, never deleted."""


class Wanted(Struct, frozen=True):
    """An item as it is to be. `changed` says whether that is different from what it is."""

    item: str
    material: str
    plant: str
    quantity: Decimal
    unit: str
    requested_date: date
    cancelled: bool
    changed: bool


StepType = Literal["cancelLine", "increaseQuantity", "decreaseQuantity", "changeDate"]


class Step(Struct, frozen=True):
    """One operation of a wish, its line found and its quantity read."""

    type: StepType
    item: str
    quantity: Decimal | None = None
    day: date | None = None


def wanted_items(order: Order, steps: Iterable[Step], today_at: TodayAt) -> tuple[Wanted, ...]:
    """The living items of the order with the wish applied to them."""
    living = {item.item: _as_it_is(item, order, today_at) for item in order.items if not item.rejection_reason}
    for step in steps:
        was = living[step.item]
        if step.type == "cancelLine":
            living[step.item] = replace(was, quantity=ZERO, cancelled=True, changed=True)
        elif step.type == "changeDate":
            living[step.item] = replace(was, requested_date=step.day or was.requested_date, changed=True)
        else:
            living[step.item] = replace(was, quantity=step.quantity or was.quantity, changed=True)
    return tuple(living.values())


def demands(wanted: Iterable[Wanted]) -> tuple[Demand, ...]:
    """The whole order as wished, for the ERP's simulation: its items compete with each other for stock."""
    return tuple(
        Demand(one.item, one.material, one.quantity, one.unit, one.requested_date, one.plant)
        for one in wanted
        if not one.cancelled
    )


def requirements(
    wanted: Iterable[Wanted], confirmed: Mapping[str, Decimal], held: Mapping[str, Decimal], names: Mapping[str, str]
) -> dict[tuple[str, str], tuple[Requirement, ...]]:
    """What the plan is asked for, by plant and unit: what the ERP does not confirm of the changed items.

    `confirmed` and `held` (by the plan) are by item, `names` gives the plan's name of an item. An item that holds
    capacity and needs none any more is asked for with zero, which gives the capacity back.
    """
    needs: dict[tuple[str, str], list[Requirement]] = {}
    for one in wanted:
        missing = max(ZERO, one.quantity - confirmed.get(one.item, ZERO))
        if one.changed and (missing > 0 or held.get(one.item, ZERO) > 0):
            need = Requirement(names.get(one.item, one.item), one.material, missing, one.unit, one.requested_date)
            needs.setdefault((one.plant, one.unit), []).append(need)
    return {group: tuple(ones) for group, ones in needs.items()}


def patch(order: Order, etag: str, wanted: Iterable[Wanted]) -> OrderPatch:
    """The changeset that makes the order what is wanted, guarded by the version that the caller saw."""
    items = {item.item: item for item in order.items}
    changes = [change for one in wanted if one.changed for change in _changes(items[one.item], one)]
    return OrderPatch(order.number, etag, tuple(changes))


def is_applied(order: Order, wanted: Iterable[Wanted]) -> bool:
    """Is the order what was wanted? Asked after a write whose outcome is not known."""
    items = {item.item: item for item in order.items}
    return all(one.item in items and not _changes(items[one.item], one) for one in wanted if one.changed)


def is_begun(order: Order, wanted: Iterable[Wanted]) -> bool:
    """Is some of it what was wanted? An ERP that takes a change step by step may have stopped on the way."""
    return any(is_applied(order, (one,)) for one in wanted if one.changed)


def lost(current: Sequence[HeldPiece], proposed: Sequence[HeldPiece]) -> tuple[HeldPiece, ...]:
    """What is held on a day now and would not be held by that day any more: the earliest promise is covered first."""
    supply = sorted(proposed, key=_day)
    left = [piece.quantity for piece in supply]
    given_up = []
    for piece in sorted(current, key=_day):
        missing = piece.quantity
        for place, part in enumerate(supply):
            if part.date <= piece.date:
                taken = min(missing, left[place])
                left[place] -= taken
                missing -= taken
        if missing > 0:
            given_up.append(replace(piece, quantity=missing))
    return tuple(given_up)


def broken(current: Sequence[HeldPiece], proposed: Sequence[HeldPiece], wanted: Wanted) -> bool:
    """Is a promise broken that nobody asked back? Of what is held now, only as much counts as is still wanted, and
    coming by the day that is wanted now is soon enough."""
    still = (replace(piece, date=max(piece.date, wanted.requested_date)) for piece in first(current, wanted.quantity))
    return bool(lost(tuple(still), proposed))


def first(pieces: Iterable[HeldPiece], quantity: Decimal) -> tuple[HeldPiece, ...]:
    """The earliest pieces that make up `quantity`, the last one cut."""
    taken = []
    for piece in sorted(pieces, key=_day):
        part = min(piece.quantity, quantity)
        if part > 0:
            taken.append(replace(piece, quantity=part))
            quantity -= part
    return tuple(taken)


def offered(quantity: Decimal, erp: Iterable[HeldPiece], plan: Iterable[HeldPiece]) -> tuple[HeldPiece, ...]:
    """What the ERP confirms, and of the plan as much as is still missing then."""
    confirmed = first(erp, quantity)
    missing = quantity - sum((piece.quantity for piece in confirmed), ZERO)
    return tuple(sorted((*confirmed, *first(plan, missing)), key=_day))


def worse(before: Mapping[str, Sequence[HeldPiece]], now: Mapping[str, Sequence[HeldPiece]]) -> tuple[str, ...]:
    """The items of a proposal that would not get by some day what the proposal said they would."""
    return tuple(item for item, pieces in before.items() if lost(pieces, now.get(item, ())))


def status(wanted: Wanted, pieces: Sequence[HeldPiece]) -> ItemStatus:
    if wanted.cancelled:
        return "cancelled"
    confirmed = sum((piece.quantity for piece in pieces), ZERO)
    if confirmed <= 0:
        return "datePending"
    if confirmed < wanted.quantity:
        return "partiallyConfirmed"
    return "confirmedLate" if any(piece.date > wanted.requested_date for piece in pieces) else "confirmed"


def _day(piece: HeldPiece) -> date:
    return piece.date


def _as_it_is(item: OrderItem, order: Order, today_at: TodayAt) -> Wanted:
    day = wanted_date(item) or order.requested_date or today_at(item.plant)
    return Wanted(item.item, item.material, item.plant, item.quantity, item.unit, day, cancelled=False, changed=False)


def _changes(item: OrderItem, wanted: Wanted) -> tuple[ItemChange, ...]:
    """What is to be written at an item. The requested day stands in the schedule lines that carry a quantity."""
    if wanted.cancelled:
        return () if item.rejection_reason else (ItemChange(item.item, reject=CANCELLED_AT_REQUEST),)
    changes = []
    if item.quantity != wanted.quantity:
        changes.append(ItemChange(item.item, quantity=wanted.quantity, unit=wanted.unit))
    changes += [
        ItemChange(item.item, requested_date=wanted.requested_date, schedule_line=number)
        for number, line in zip(item.schedule_lines, item.confirmations, strict=True)
        if line.ordered > 0 and line.requested_date != wanted.requested_date
    ]
    return tuple(changes)
