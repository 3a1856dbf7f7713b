"""The judge: what clients asked for and were told, against what SAP, Salesforce and the scheduler hold. Pure.

It knows no table of the gateway and no rule of its code. An order of the ERP belongs to the quote whose purchase order
number it carries, whatever reference stands in it: so a double is a double even under another reference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.chaos.asked import Asked
from benchmarks.chaos.neighbours import CrmQuote, Neighbours, Order
from benchmarks.chaos.settling import out_of_step, plan_differs

Kind = Literal[
    "lost", "doubled", "crm out of step", "plan out of step", "stuck", "key broken", "ended without need", "unasked"
]
WITH_ORDER = frozenset({"completed", "completedWithExceptions"})
WITHOUT_ORDER = frozenset({"rejected", "cancelled", "expired", "failed"})


@dataclass(frozen=True)
class Finding:
    """Something that is not as it must be; `about` is a quote's name or an order's number."""

    kind: Kind
    about: str
    says: str


@dataclass(frozen=True)
class Manual:
    """An operation that waits for somebody, with the reasons that the client was given."""

    about: str
    reasons: tuple[str, ...]


def reconcile(asked: Sequence[Asked], held: Neighbours) -> list[Finding]:
    """Everything that is wrong, quote by quote, then what belongs to none."""
    by_po: dict[str, list[Order]] = defaultdict(list)
    for order in held.orders:
        by_po[order.po].append(order)
    found = [finding for one in asked for finding in _judged(one, by_po.get(one.quote.po, []), held)]
    return found + list(_unasked(asked, by_po, held))


def manual(asked: Iterable[Asked]) -> list[Manual]:
    """What is left to people. That is an answer too, if it says why."""
    return [
        Manual(one.quote.name, tuple(str(met["code"]) for met in view["exceptions"]))
        for one in asked
        for view in one.told.values()
        if view["state"] == "actionRequired"
    ]


def _judged(one: Asked, orders: Sequence[Order], held: Neighbours) -> Iterator[Finding]:
    name = one.quote.name
    for said in one.broken:
        yield Finding("key broken", name, said)
    if len(orders) > 1:
        numbers = ", ".join(f"{order.number} ({order.reference})" for order in orders)
        yield Finding("doubled", name, f"orders {numbers}")
    if not one.told:
        yield Finding("stuck", name, f"nobody answered the client; it met {dict(one.troubles)}; {one.refused or ''}")
    for operation_id, view in one.told.items():
        yield from _told(one, operation_id, str(view["state"]), view.get("orderId"), orders, held.quotes, held)


def _told(  # noqa: PLR0917  one operation beside all that is known of it
    one: Asked,
    operation_id: str,
    state: str,
    order_id: str | None,
    orders: Sequence[Order],
    quotes: Mapping[str, CrmQuote],
    held: Neighbours,
) -> Iterator[Finding]:
    name, quote = one.quote.name, quotes[one.quote.quote_id]
    own = [order for order in orders if order.reference == operation_id]
    if state in WITH_ORDER:
        if not own:
            yield Finding("lost", name, f"{operation_id} was told {state} with order {order_id}, and there is none")
            return
        if order_id != f"s4-1710.{own[0].number}":
            yield Finding("crm out of step", name, f"the client was told {order_id}, the ERP holds {own[0].number}")
        commitments = held.commitments.get(own[0].number, ())
        for says in out_of_step(quote, own[0], commitments, operation_id, state):
            yield Finding("crm out of step", name, says)
        for says in plan_differs(own[0], commitments):
            yield Finding("plan out of step", name, says)
    elif state in WITHOUT_ORDER:
        if own:
            yield Finding("unasked", name, f"{operation_id} was told {state}, and the ERP holds {own[0].number}")
        yield Finding("ended without need", name, f"{operation_id} is {state}, though its quote can be ordered")
    elif state == "unknown":
        yield Finding("lost", name, f"{operation_id} was promised, and nobody knows it any more")
    elif state != "actionRequired":
        yield Finding("stuck", name, f"{operation_id} is still {state}")


def _unasked(asked: Sequence[Asked], by_po: Mapping[str, list[Order]], held: Neighbours) -> Iterator[Finding]:
    known = {one.quote.po for one in asked}
    for po in by_po.keys() - known:
        yield Finding("unasked", po, f"orders {', '.join(order.number for order in by_po[po])} of no quote")
    numbers = {order.number for order in held.orders}
    for number in held.commitments.keys() - numbers:
        if held.commitments[number]:
            yield Finding("plan out of step", number, "the scheduler holds capacity for an order that does not exist")
