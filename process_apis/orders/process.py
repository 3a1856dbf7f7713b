"""An order in one view: ERP, scheduler and CRM are read side by side, and what is missing is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis.caller import Caller
from process_apis.landscape import Landscape
from process_apis.orders.models import OrderView
from process_apis.orders.reading import sources_of, visible_facts
from process_apis.orders.versions import etag_of
from process_apis.orders.views import internal_order, partner_order
from process_apis.seals import Seals

Noticed = Callable[[str], None]


def nobody_counts(_kind: str) -> None:
    """For callers that read an order and nothing else."""


async def get_order(
    caller: Caller,
    _request: None,
    *,
    order_id: str,
    landscape: Landscape,
    seals: Seals,
    store: AsyncEngine,
    noticed: Noticed = nobody_counts,
) -> OrderView:
    """The order across its systems. Raises NoSuchThing, or NoSourceAnswered while nobody can say whose it is.

    `noticed` is told the kind of each mismatch between the systems.
    """
    facts = await visible_facts(caller, order_id, landscape=landscape, store=store)
    for mismatch in facts.mismatches:
        noticed(mismatch.kind)
    version = facts.version(caller.client.disclosure)
    etag = etag_of(version, seals) if version else None
    sources = sources_of(facts, landscape.crm.instance)
    now = datetime.now(UTC)
    if caller.client.disclosure == "internal":
        return internal_order(facts, sources, etag, now)
    return partner_order(facts, sources, etag, now, landscape.plants)
