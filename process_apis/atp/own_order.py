"""The order that lines of a check are about to change: what it holds for them is given back before they are asked.

Its other items stay what they are and are asked along, so that nothing they hold is promised to the lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from policies.access import require_customer
from policies.clients import Client
from process_apis.atp.facts import Asked
from process_apis.atp.models import AtpCheckRequest, AtpLine, OrderItemRef
from process_apis.errors import Fault, NoSourceAnswered, NoSuchThing
from process_apis.faults import pointer, refuse_if_any
from process_apis.landscape import Landscape
from process_apis.order_ids import NUMBER, canonical
from process_apis.words import bare
from system_apis.deadline import Deadline
from system_apis.errors import NotFoundInSystem, UpstreamError
from system_apis.sap.models import Demand, Order, OrderItem
from system_apis.scheduler.models import Commitment


class OwnOrder(NamedTuple):
    """`others` are its items that the check is not about; `names` is what its plan calls the items of the lines."""

    instance: str
    number: str
    others: tuple[Demand, ...]
    names: Mapping[str, str]


def order_faults(request: AtpCheckRequest) -> Iterator[Fault]:
    """Two orders are two checks: what they give back to one another is for the ERP to say, order by order."""
    named = {canonical(line.order_ref.order_id) for line in request.lines if line.order_ref}
    if len(named) > 1:
        yield Fault(pointer("lines"), "all lines that name an order name the same one", "order-ref-mixed")


async def own_order(
    client: Client,
    request: AtpCheckRequest,
    asked: Sequence[Asked],
    sold_to: str,
    *,
    landscape: Landscape,
    until: Deadline,
) -> OwnOrder | None:
    """None if no line names one. Raises as reading it would: NoSuchThing and NotVisible after the same question,
    NoSourceAnswered if its ERP is silent; RequestFaulty where lines and order do not fit together."""
    named = next((line.order_ref.order_id for line in request.lines if line.order_ref), None)
    if named is None:
        return None
    instance, _, number = canonical(named).partition(".")
    erp = landscape.erps.get(instance)
    if erp is None or not NUMBER.fullmatch(number):
        raise NoSuchThing("order", named)
    try:
        order = await erp.read_order(number, deadline=until)
    except NotFoundInSystem as absent:
        raise NoSuchThing("order", named) from absent
    except UpstreamError as silent:
        raise NoSourceAnswered((instance,)) from silent
    require_customer(client, order.sold_to, kind="order", ident=named)
    lines = list(zip(request.lines, asked, strict=True))
    items = {one.line_id: _items(line.order_ref, one, order) for line, one in lines if line.order_ref}
    refuse_if_any(_faults(lines, items, whose=bare(order.sold_to) == sold_to, instance=instance, landscape=landscape))
    given_back = {item.item for of in items.values() for item in of}
    others = tuple(
        Demand(f"item-{item.item}", item.material, item.quantity, item.unit, _wanted(item), item.plant)
        for item in order.items
        if not item.rejection_reason and not item.parent and item.confirmations and item.item not in given_back
    )
    held = await _held([one for line, one in lines if line.order_ref], number, landscape, until)
    return OwnOrder(
        instance, number, others, {line_id: name for line_id, of in items.items() for name in _names(of, held)}
    )


def _items(ref: OrderItemRef, asked: Asked, order: Order) -> tuple[OrderItem, ...]:
    """The item that a line names; without a name all of its material."""
    living = (item for item in order.items if not item.rejection_reason)
    if ref.item_id is not None:
        wanted = bare(ref.item_id)
        return tuple(item for item in living if item.item == wanted)
    return tuple(item for item in living if item.material == asked.material)


def _faults(
    lines: Sequence[tuple[AtpLine, Asked]],
    items: Mapping[str, Sequence[OrderItem]],
    *,
    whose: bool,
    instance: str,
    landscape: Landscape,
) -> Iterator[Fault]:
    """`whose`: the order is the one of the customer that is asked for."""
    for place, (line, asked) in enumerate(lines):
        at = pointer("lines", place, "orderRef")
        if line.order_ref is None:
            continue
        if not whose:
            yield Fault(at, "the order is another customer's than soldTo", "order-of-another-customer")
        elif landscape.plants[asked.plant].erp != instance:
            yield Fault(at, "the order lives in another ERP than the plant of the line", "order-elsewhere")
        elif not items[line.line_id]:
            yield Fault(at, "the order has no such item that is still open", "order-item-unknown")


async def _held(asked: Sequence[Asked], number: str, landscape: Landscape, until: Deadline) -> tuple[Commitment, ...]:
    """What the plans hold for the order. A plan that does not say keeps it: less is promised then, never more."""
    held: list[Commitment] = []
    for name in dict.fromkeys(landscape.plants[one.plant].scheduler for one in asked):
        if name is not None:
            try:
                found = await landscape.schedulers[name].commitments(number, deadline=until)
            except UpstreamError:
                continue
            held += found.lines if found else ()
    return tuple(held)


def _names(items: Sequence[OrderItem], held: Sequence[Commitment]) -> Iterator[str]:
    """Plans know an item by its number, or by the line of the quote it was made of, which nobody here knows: then the
    only one of the same material is meant."""
    for item in items:
        named = {one.line_id for one in held if one.line_id == item.item}
        alike = named or {one.line_id for one in held if one.material == item.material}
        if len(alike) == 1:
            yield alike.pop()


def _wanted(item: OrderItem) -> date:
    return min(line.requested_date for line in item.confirmations)
