"""What the audit says of a change request."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from policies.audit import SYSTEM, Act, Touched, record
from process_apis.order_change.models import ChangeRequest

BY_THE_COMMIT = frozenset({"committed", "partiallyCommitted", "actionRequired", "failed", "conflict"})
"""What comes of an accepted change by itself; everything else is accounted for with the call that did it."""


def touched(held: ChangeRequest, *, before: ChangeRequest | None = None, reason: str | None = None) -> Touched:
    """What a caller's act did to the request."""
    return Touched(
        subject=held.change_request_id,
        outcome=held.state,
        order_id=held.order_id,
        customer=held.customer,
        reason=reason or held.wish.reason,
        before=_standing(before) if before else None,
        after=_standing(held) | {"operations": held.wish.operations},
    )


async def record_outcome(connection: AsyncConnection, held: ChangeRequest, event: str, at: datetime) -> None:
    """An entry for how the commit went."""
    if event.rpartition(".")[2] not in BY_THE_COMMIT:
        return
    act = Act(
        act=event,
        client_id=held.client_id,
        credential=SYSTEM,
        subject=held.change_request_id,
        outcome=held.state,
        correlation_id=held.correlation_id,
        order_id=held.order_id,
        customer=held.customer,
        documents=(f"erp:{held.order_id.replace('.', '/', 1)}",),
        after=_standing(held),
    )
    await record(connection, act, at)


def _standing(held: ChangeRequest) -> dict[str, Any]:
    return {"state": held.state, "decision": held.decision, "revision": held.revision}
