"""What of a conversion others care about, as events about the order. Pure, and safe for a partner to read: no instance
beside the order's own id, no plant, no work centre, no word of a neighbour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from process_apis.exceptions import Finding
from process_apis.operations import OperationLine
from process_apis.promises import PromiseOutcome
from process_apis.telling import News

CREATED, CONFIRMED, HELD = "order.created", "order.confirmed", "order.held"
LINE_REJECTED, PROMISE_CHANGED = "order.line.rejected", "order.promise.changed"


def created(
    order_id: str, shown: Sequence[OperationLine], findings: Iterable[Finding], customer_po: str, holds: Sequence[str]
) -> Iterator[News]:
    """The order exists. Each line that did not make it is news of its own: somebody has to look after it."""
    ordered = [_ordered(line) for line in shown if line.item is not None]
    yield News(CREATED, order_id, {"customerPo": customer_po, "lines": ordered})
    if holds:
        yield held(order_id, holds)
    met = tuple(findings)
    for line in shown:
        if line.item is None:
            codes = [one.code for one in met if one.line_id == line.line_id and one.blocking]
            yield News(LINE_REJECTED, order_id, {**_asked(line), "codes": codes})


def held(order_id: str, holds: Sequence[str]) -> News:
    """The order is there and nothing of it is confirmed until somebody lifts the hold."""
    return News(HELD, order_id, {"holds": sorted(set(holds))})


def confirmed(order_id: str, shown: Sequence[OperationLine]) -> News:
    """What the order holds for its lines, with days: what a customer may be told."""
    lines = [
        {
            **_ordered(line),
            "state": line.state,
            "confirmedQuantity": line.confirmed_quantity,
            "schedule": [
                {"quantity": piece.quantity, "deliveryDate": piece.delivery_date.isoformat()} for piece in line.schedule
            ],
        }
        for line in shown
        if line.item is not None
    ]
    return News(CONFIRMED, order_id, {"lines": lines})


def promise_changed(order_id: str, outcome: PromiseOutcome | None) -> Iterator[News]:
    """What was promised came out otherwise, on these lines."""
    if outcome is None or outcome.outcome == "kept":
        return
    lines = [line for line in outcome.lines if line.outcome != "kept"]
    yield News(PROMISE_CHANGED, order_id, {"checkId": outcome.check_id, "outcome": outcome.outcome, "lines": lines})


def _asked(line: OperationLine) -> dict[str, Any]:
    return {"lineId": line.line_id, "product": line.product, "requested": line.requested}


def _ordered(line: OperationLine) -> dict[str, Any]:
    return {**_asked(line), "ordered": line.ordered or line.requested, "item": line.item}
