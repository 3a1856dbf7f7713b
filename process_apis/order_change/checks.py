"""What makes a wish wrong by rule: judged against the order as it is, all faults at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from process_apis.calendars import TodayAt
from process_apis.errors import Fault
from process_apis.faults import date_faults, length_faults, pointer, quantity_faults, rec20, refuse_if_any
from process_apis.order_change.models import MOST_OPERATIONS, ChangeOperation
from process_apis.order_change.rules import Step, StepType
from system_apis.sap.models import Order, OrderItem
from system_apis.sap.units import Units

NOT_YET = frozenset({"addLine", "replaceItem", "cancelOrder"})
_QUANTITY = frozenset({"increaseQuantity", "decreaseQuantity"})


def read_steps(
    operations: Sequence[ChangeOperation], order: Order, line_ids: Mapping[str, str], today_at: TodayAt, units: Units
) -> tuple[Step, ...]:
    """The operations with their items found. `line_ids` names our line of an item. Raises RequestFaulty."""
    items = {item.item: item for item in order.items}
    named = items | {line: items[item] for item, line in line_ids.items() if item in items}
    refuse_if_any(_faults(operations, named, today_at, units))
    return tuple(
        Step(
            cast("StepType", one.type),
            named[one.line_id or ""].item,
            one.new_quantity.amount if one.new_quantity else None,
            one.new_date,
        )
        for one in operations
    )


def _faults(
    operations: Sequence[ChangeOperation], named: Mapping[str, OrderItem], today_at: TodayAt, units: Units
) -> Iterator[Fault]:
    yield from length_faults(len(operations), pointer("operations"), most=MOST_OPERATIONS, what="operations")
    done: dict[str, set[str]] = {}
    for place, one in enumerate(operations[:MOST_OPERATIONS]):
        at = pointer("operations", place)
        if one.type in NOT_YET:
            text = f"the operation {one.type} is not supported yet"
            yield Fault(f"{at}/type", text, "operation-not-supported-yet")
            continue
        item = named.get(one.line_id or "")
        if item is None or item.rejection_reason:
            said = "names no line" if one.line_id is None else f"names no living line of the order: {one.line_id}"
            yield Fault(f"{at}/lineId", f"the operation {said}", "line-unknown")
            continue
        yield from _member_faults(one, at)
        yield from _value_faults(one, item, at, today_at, units)
        yield from _clash_faults(one, done.setdefault(item.item, set()), at)


def _member_faults(one: ChangeOperation, at: str) -> Iterator[Fault]:
    """Each kind of operation takes its own member and no other: what would be ignored is refused."""
    for member, given, wanted in (
        ("newQuantity", one.new_quantity is not None, one.type in _QUANTITY),
        ("newDate", one.new_date is not None, one.type == "changeDate"),
    ):
        if given != wanted:
            said = "takes no" if given else "needs a"
            yield Fault(f"{at}/{member}", f"{one.type} {said} {member}", "operation-malformed")


def _value_faults(one: ChangeOperation, item: OrderItem, at: str, today_at: TodayAt, units: Units) -> Iterator[Fault]:
    if one.new_quantity is not None and one.type in _QUANTITY:
        faults = list(quantity_faults(one.new_quantity, f"{at}/newQuantity", units))
        yield from faults
        if not faults:
            yield from _direction_faults(one, item, f"{at}/newQuantity", units)
    if one.new_date is not None and one.type == "changeDate":
        yield from date_faults(one.new_date, f"{at}/newDate", today=today_at(item.plant))


def _direction_faults(one: ChangeOperation, item: OrderItem, at: str, units: Units) -> Iterator[Fault]:
    quantity = one.new_quantity
    if quantity is None:
        return
    if rec20(quantity, units) != item.unit:
        yield Fault(f"{at}/unit", f"the item is ordered in {item.unit}", "uom-invalid")
    elif one.type == "increaseQuantity" and quantity.amount <= item.quantity:
        text = f"newQuantity is the whole quantity afterwards: more than the {item.quantity:f} of now"
        yield Fault(f"{at}/value", text, "not-an-increase")
    elif one.type == "decreaseQuantity" and quantity.amount >= item.quantity:
        text = f"newQuantity is the whole quantity afterwards: less than the {item.quantity:f} of now"
        yield Fault(f"{at}/value", text, "not-a-decrease")


def _clash_faults(one: ChangeOperation, done: set[str], at: str) -> Iterator[Fault]:
    """Two wishes about the same thing of a line: which one holds would be a guess."""
    about = "quantity" if one.type in _QUANTITY else one.type
    if about in done or "cancelLine" in done or (about == "cancelLine" and done):
        yield Fault(at, f"another operation already changes this line: {', '.join(sorted(done))}", "operations-clash")
    done.add(about)
