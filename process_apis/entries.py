"""What the audit says of an operation: what a caller's act touched, and what became of it afterwards by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.audit import SYSTEM, Act, Touched, record
from process_apis.operations import Operation, order_id_of

BY_A_CALLER = frozenset(
    {
        "quote.conversion.started",
        "quote.conversion.decided",
        "quote.conversion.cancelled",
        "quote.conversion.resumed",
        "operation.waiting",
    }
)
"""Accounted for with the call that did it; and waiting is no outcome."""


class _Request(Struct, frozen=True, rename="camel"):
    customer_po: str | None = None


class _Terms(Struct, frozen=True):
    """Of the terms of any kind of conversion, the business key that people search by."""

    request: _Request = _Request()


def touched(operation: Operation, *, before: Operation | None = None, reason: str | None = None) -> Touched:
    """What a caller's act did to the operation."""
    return Touched(
        subject=operation.operation_id,
        outcome=operation.state,
        order_id=order_id_of(operation),
        customer_po=_customer_po(operation),
        customer=operation.customer,
        reason=reason,
        before=_standing(before) if before else None,
        after=_standing(operation),
    )


async def record_outcome(connection: AsyncConnection, operation: Operation, event: str, at: datetime) -> None:
    """An entry for what the operation did by itself: nobody called, yet an order was made or an end was reached."""
    if event in BY_A_CALLER:
        return
    order_id = order_id_of(operation)
    act = Act(
        act=event,
        client_id=operation.client_id,
        credential=SYSTEM,
        subject=operation.operation_id,
        outcome=operation.state,
        correlation_id=operation.correlation_id,
        order_id=order_id,
        customer_po=_customer_po(operation),
        customer=operation.customer,
        documents=(f"erp:{operation.order_instance}/{operation.order_number}",) if order_id else (),
        after=_standing(operation) | {"lines": [_line(line) for line in operation.lines]},
    )
    await record(connection, act, at)


def _standing(operation: Operation) -> dict[str, Any]:
    return {
        "state": operation.state,
        "decision": operation.decision,
        "revision": operation.revision,
        "quoteId": operation.quote_id,
        "quoteVersion": operation.quote_version,
    }


def _line(line: Any) -> dict[str, Any]:
    return {"lineId": line.line_id, "state": line.state, "item": line.item}


def _customer_po(operation: Operation) -> str | None:
    return msgspec.json.decode(operation.terms, type=_Terms).request.customer_po
