"""One order on three sides: do ERP, CRM and plan say the same of it? Pure; each difference is a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from benchmarks.chaos.neighbours import Commitment, CrmLine, CrmQuote, Item, Order
from system_apis.sandbox.world.capacity import ROUTINGS

_PLANT = "1710"


def out_of_step(
    quote: CrmQuote, order: Order, commitments: Sequence[Commitment], operation_id: str, state: str
) -> Iterator[str]:
    """Where the CRM's quote and the order differ: number, operation, state, items, quantities, days."""
    if quote.order != order.number:
        yield f"the CRM shows order {quote.order}, the ERP holds {order.number}"
    if quote.operation != operation_id:
        yield f"the CRM shows operation {quote.operation}, not {operation_id}"
    if quote.state != state:
        yield f"the CRM shows {quote.state}, the client was told {state}"
    yield from _items_differ(quote, order)
    items = {item.number: item for item in order.items}
    days = []
    for line in quote.lines:
        item = items.get(line.item or "")
        if item is None:
            yield f"line {line.line_id} shows item {line.item}, which order {order.number} does not have"
            continue
        made = [piece for piece in commitments if piece.line == line.line_id]
        days += _days(line, item, made)
        yield from _line_differs(line, item, made)
    if quote.day != max(days, default=None):
        yield f"the CRM shows {quote.day} for the whole, ERP and plan say {max(days, default=None)}"


def plan_differs(order: Order, commitments: Sequence[Commitment]) -> Iterator[str]:
    """What the ERP leaves open of a material that is made here must be held by the plan: not less, not more."""
    missing: Counter[str] = Counter()
    for item in order.items:
        if (_PLANT, item.material) in ROUTINGS and item.quantity > item.confirmed:
            missing[item.material] += int(item.quantity - item.confirmed)
    held: Counter[str] = Counter()
    for piece in commitments:
        held[piece.material] += int(piece.quantity)
    for material in sorted(missing.keys() | held.keys()):
        if held[material] != missing[material]:
            yield f"order {order.number} lacks {missing[material]} {material}, the plan holds {held[material]}"


def _items_differ(quote: CrmQuote, order: Order) -> Iterator[str]:
    """Each line became one item, no line two."""
    wanted = Counter((line.material, line.quantity) for line in quote.lines)
    found = Counter((item.material, item.quantity) for item in order.items)
    if wanted != found:
        yield f"order {order.number} has {_listed(found)}, the quote {_listed(wanted)}"
    shared = [item for item, count in Counter(line.item for line in quote.lines).items() if count > 1]
    if shared:
        yield f"several lines of the quote show item {shared[0]}"


def _line_differs(line: CrmLine, item: Item, made: Sequence[Commitment]) -> Iterator[str]:
    if line.material != item.material:
        yield f"line {line.line_id} is {line.material}, its item {item.number} is {item.material}"
    confirmed = item.confirmed + sum((piece.quantity for piece in made), Decimal(0))
    if line.confirmed != confirmed:
        yield f"line {line.line_id} shows {line.confirmed} confirmed, ERP and plan say {confirmed}"
    last = max(_days(line, item, made), default=None)
    if line.day != last:
        yield f"line {line.line_id} shows {line.day}, ERP and plan say {last}"


def _days(line: CrmLine, item: Item, made: Sequence[Commitment]) -> list[date]:
    """The days on which something of the line is delivered: what is made earlier than it was asked for waits."""
    return [*item.days, *(max(piece.day, line.requested) for piece in made)]


def _listed(counted: Counter[tuple[str, Decimal]]) -> str:
    return ", ".join(f"{material} x {quantity:f}" for material, quantity in sorted(counted.elements()))
