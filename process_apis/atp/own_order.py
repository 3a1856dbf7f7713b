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
from system_apis.sap.goods import Place
from system_apis.sap.models import Demand, Order, OrderItem
from system_apis.scheduler.models import Commitment


class OwnOrder(NamedTuple):
    """`others` are its items that the check is not about; `names` is what its plan calls the items of the lines.

    `holds` is where the items of the lines hold something: only a simulation gives that back. `kept` are the plants
    whose plan does not give back all that it holds for the lines, because nobody can tell what it calls it.
    """

    instance: str
    number: str
    others: tuple[Demand, ...]
    names: Mapping[str, str]
    holds: frozenset[Place] = frozenset()
    kept: frozenset[str] = frozenset()


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
    holds = frozenset(Place(item.material, item.plant) for of in items.values() for item in of if item.confirmations)
    names, kept = await _in_the_plans([one for _, one in lines], items, order, landscape, until)
    return OwnOrder(instance, number, others, names, holds, kept)


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


async def _in_the_plans(
    asked: Sequence[Asked],
    items: Mapping[str, Sequence[OrderItem]],
    order: Order,
    landscape: Landscape,
    until: Deadline,
) -> tuple[dict[str, str], frozenset[str]]:
    """What the plans call the items of each line, and the plants whose plan keeps some of it: a line is called by one
    name, and each name is given back once."""
    about = {item.item for of in items.values() for item in of}
    others = [item for item in order.items if not item.rejection_reason and item.item not in about]
    held: dict[str, tuple[Commitment, ...] | None] = {}
    names: dict[str, str] = {}
    kept = set()
    for line in asked:
        scheduler = landscape.plants[line.plant].scheduler
        if line.line_id not in items or scheduler is None:
            continue
        if scheduler not in held:
            held[scheduler] = await _held(scheduler, order.number, landscape, until.sooner(until.remaining_s / 2))
        called = _called(items[line.line_id], others, held[scheduler])
        if called is None or len(called) > 1:
            kept.add(line.plant)
        elif called and not called & set(names.values()):
            names[line.line_id] = next(iter(called))
    return names, frozenset(kept)


async def _held(scheduler: str, number: str, landscape: Landscape, until: Deadline) -> tuple[Commitment, ...] | None:
    """What a plan holds for the order; None if it does not say."""
    try:
        found = await landscape.schedulers[scheduler].commitments(number, deadline=until)
    except UpstreamError:
        return None
    return found.lines if found else ()


def _called(
    items: Sequence[OrderItem], others: Sequence[OrderItem], held: Sequence[Commitment] | None
) -> set[str] | None:
    """What a plan calls the items. It knows an item by its number, or by the line of the quote it was made of, which
    nobody here knows: then what it holds of the same material is meant, unless it may be held for one of the `others`
    (None: nobody can tell)."""
    if held is None:
        return None
    numbers, names = {item.item for item in (*items, *others)}, {one.line_id for one in held}
    called = set()
    for item in items:
        nameless = {one.line_id for one in held if one.material == item.material and one.line_id not in numbers}
        if item.item in names:
            called.add(item.item)
        elif nameless and any(other.material == item.material and other.item not in names for other in others):
            return None
        else:
            called |= nameless
    return called


def _wanted(item: OrderItem) -> date:
    return min(line.requested_date for line in item.confirmations)
