"""How a changed line and a whole change request are shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import Any

from policies.clients import Disclosure
from process_apis.disclosure import for_partner
from process_apis.operation_views import without_instance
from process_apis.order_change import rules
from process_apis.order_change.models import (
    MOVING,
    ChangeRequest,
    DatedQuantity,
    InternalChangeRequest,
    LineProposal,
    LineStand,
    LineWish,
    PartnerChangeRequest,
)
from process_apis.order_change.rules import ZERO, Wanted
from process_apis.orders.models import ProposedStatus
from process_apis.orders.rules import HeldPiece, wanted_date
from process_apis.orders.versions import etag_of
from process_apis.orders.views import href_of as order_href
from process_apis.remedies import of_change
from process_apis.seals import Seals
from process_apis.words import Quantity, tidy
from system_apis.sap.models import OrderItem


def line_proposal(
    item: OrderItem,
    wanted: Wanted,
    now: Sequence[HeldPiece],
    then: Sequence[HeldPiece],
    *,
    line_id: str,
    refused: bool,
) -> LineProposal:
    """A line before and after. A refused line would get nothing: what it holds it keeps by not being changed."""
    day = wanted_date(item)
    was = Wanted(
        item.item,
        item.material,
        item.plant,
        item.quantity,
        item.unit,
        day or wanted.requested_date,
        cancelled=False,
        changed=False,
    )
    before, after = max((one.date for one in now), default=None), max((one.date for one in then), default=None)
    return LineProposal(
        line_id=line_id,
        item_id=item.item,
        product=item.material,
        current_wish=LineWish(Quantity(tidy(item.quantity), item.unit), day),
        current=_stand(item.quantity, item.unit, now, rules.status(was, now)),
        requested=LineWish(Quantity(tidy(wanted.quantity), item.unit), wanted.requested_date),
        proposed=_stand(wanted.quantity, item.unit, then, "rejected" if refused else rules.status(wanted, then)),
        lost=_dated(rules.lost(now, then), item.unit),
        days_later=(after - before).days if before and after else None,
    )


def pieces_of(line: LineProposal) -> tuple[HeldPiece, ...]:
    """The proposed parts of a line, read back from how it was shown."""
    return tuple(
        HeldPiece(
            one.quantity.value, one.delivery_date, "production" if one.source == "scheduler" else "onHand", one.source
        )
        for one in line.proposed.schedule
    )


def href_of(order_id: str, change_request_id: str) -> str:
    return f"{order_href(order_id)}/change-requests/{change_request_id}"


def view(
    held: ChangeRequest, seals: Seals, now: datetime, disclosure: Disclosure
) -> InternalChangeRequest | PartnerChangeRequest:
    """The request as a reader of this disclosure may see it."""
    head = _head(held, seals, now)
    met = tuple(of_change(one, head["href"], held.state) for one in held.exceptions)
    if disclosure == "internal":
        return InternalChangeRequest(**head, waiting_for=held.waiting_for, exceptions=met)
    exceptions = tuple(map(for_partner, met))
    return PartnerChangeRequest(**head, waiting_for=without_instance(held.waiting_for), exceptions=exceptions)


def _head(held: ChangeRequest, seals: Seals, now: datetime) -> dict[str, Any]:
    return {
        "change_request_id": held.change_request_id,
        "href": href_of(held.order_id, held.change_request_id),
        "etag": held.etag,
        "order_id": held.order_id,
        "order_href": order_href(held.order_id),
        "state": held.state,
        "revision": held.revision,
        "operations": held.wish.operations,
        "reason": held.wish.reason,
        "mode": held.wish.mode,
        "based_on": etag_of(held.based_on, seals),
        "proposal": held.proposal,
        "conflicts": held.conflicts,
        "decision": held.decision,
        "expires_at": held.expires_at,
        "created_at": held.created_at,
        "updated_at": held.updated_at,
        "correlation_id": held.correlation_id,
        "retry_after_seconds": _look_again(held, now),
    }


def _look_again(held: ChangeRequest, now: datetime) -> int | None:
    if held.state not in MOVING:
        return None
    return max(1, ceil((held.retry_at - now).total_seconds())) if held.retry_at else 1


def _stand(quantity: Decimal, unit: str, pieces: Sequence[HeldPiece], status: ProposedStatus) -> LineStand:
    confirmed = sum((piece.quantity for piece in pieces), ZERO)
    missing = max(ZERO, quantity - confirmed)
    return LineStand(status, Quantity(tidy(confirmed), unit), Quantity(tidy(missing), unit), _dated(pieces, unit))


def _dated(pieces: Sequence[HeldPiece], unit: str) -> tuple[DatedQuantity, ...]:
    return tuple(DatedQuantity(Quantity(tidy(piece.quantity), unit), piece.date, piece.system) for piece in pieces)
