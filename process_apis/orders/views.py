"""From the facts of an order to what the client may read of them: one builder per response type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from process_apis.disclosure import PlantId, public_name
from process_apis.landscape import Plant
from process_apis.orders import rules
from process_apis.orders.models import (
    InternalItem,
    InternalOrder,
    InternalPiece,
    PartnerItem,
    PartnerOrder,
    PieceView,
    QuoteState,
)
from process_apis.orders.reading import OrderFacts
from process_apis.orders.rules import HeldPiece, ItemState
from process_apis.provenance import AnswerWarning, Source, gap_warnings, internal_source, partner_source
from process_apis.words import Money, Quantity, tidy
from system_apis.sap.models import OrderItem


def href_of(order_id: str) -> str:
    return f"/v1/orders/{order_id}"


def internal_order(facts: OrderFacts, sources: list[Source], etag: str | None, now: datetime) -> InternalOrder:
    states = list(item_states(facts))
    head = _head(facts, states, sources, etag)
    head["warnings"] += tuple(AnswerWarning(one.kind, one.says) for one in facts.mismatches)
    return InternalOrder(
        **head,
        items=tuple(
            InternalItem(
                **_item(facts, item, state),
                plant=PlantId(item.plant),
                schedule=tuple(
                    InternalPiece(**_piece(piece, item.unit, sources), work_centre=piece.work_centre)
                    for piece in state.pieces
                ),
            )
            for item, state in states
        ),
        sources=tuple(internal_source(source, now) for source in sources),
    )


def partner_order(
    facts: OrderFacts, sources: list[Source], etag: str | None, now: datetime, plants: Mapping[str, Plant]
) -> PartnerOrder:
    states = list(item_states(facts))
    return PartnerOrder(
        **_head(facts, states, sources, etag),
        items=tuple(
            PartnerItem(
                **_item(facts, item, state),
                plant=public_name(item.plant, plants),
                schedule=tuple(PieceView(**_piece(piece, item.unit, sources)) for piece in state.pieces),
            )
            for item, state in states
        ),
        sources=tuple(partner_source(source, now) for source in sources),
    )


def item_states(facts: OrderFacts) -> Iterator[tuple[OrderItem, ItemState]]:
    """Every item of the order with what it stands at; none while the ERP is silent."""
    if facts.order is None:
        return
    held = bool(rules.held_back(facts.order))
    for item in facts.order.items:
        commitments = facts.commitments_of(item.item)
        yield item, rules.item_state(item, commitments, held=held, plan_known=facts.plan_known)


def _head(
    facts: OrderFacts, states: list[tuple[OrderItem, ItemState]], sources: list[Source], etag: str | None
) -> dict[str, Any]:
    order, quote = facts.order, facts.quote
    href = href_of(facts.order_id)
    return {
        "order_id": facts.order_id,
        "href": href,
        "etag": etag,
        "status": rules.order_status(state.status for _, state in states) if order else "unknown",
        "sold_to": facts.customer,
        "customer_po": order.customer_po if order else None,
        "requested_date": order.requested_date if order else None,
        "net": Money(tidy(order.net_amount), order.currency) if order else None,
        "changed_at": order.changed_at if order else None,
        "holds": rules.holds_of(order) if order else (),
        "quote": QuoteState(quote.quote_id, quote.number, quote.state, quote.version, quote.modified_at)
        if quote
        else None,
        "change_requests": f"{href}/change-requests",
        "warnings": gap_warnings(sources),
    }


def _item(facts: OrderFacts, item: OrderItem, state: ItemState) -> dict[str, Any]:
    confirmed = state.confirmed
    return {
        "item_id": item.item,
        "line_id": facts.line_ids.get(item.item),
        "product": item.material,
        "status": state.status,
        "requested": Quantity(tidy(item.quantity), item.unit),
        "requested_date": state.requested_date,
        "confirmed_quantity": _quantity(confirmed, item.unit),
        "unconfirmed_quantity": None if confirmed is None else _quantity(_open(item, state), item.unit),
        "net": Money(tidy(item.net_amount), facts.order.currency if facts.order else ""),
    }


def _open(item: OrderItem, state: ItemState) -> Decimal:
    return Decimal(0) if state.status == "cancelled" else max(Decimal(0), item.quantity - (state.confirmed or 0))


def _quantity(amount: Decimal | None, unit: str) -> Quantity | None:
    return None if amount is None else Quantity(tidy(amount), unit)


def _piece(piece: HeldPiece, unit: str, sources: list[Source]) -> dict[str, Any]:
    return {
        "quantity": Quantity(tidy(piece.quantity), unit),
        "delivery_date": piece.date,
        "supply": piece.supply,
        "firmness": "committed",
        "source": next(source.id for source in sources if source.system == piece.system),
    }
