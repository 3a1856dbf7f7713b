"""Is there room for another operation? What waits, waits in a bounded queue: by number and by age, system by system.

A queue that nobody empties would only grow, and everybody behind it would be promised something that does not come.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.errors import QueueFull
from process_apis.landscape import Landscape, Queues
from process_apis.tables import operations
from system_apis.salesforce.models import Quote

OURSELVES = "ordergate"
LOOK_AGAIN_S = 30.0
LONGEST_WAIT_S = 3600.0
_held = operations.c


async def refuse_if_full(
    connection: AsyncConnection, operation_id: str, landscape: Landscape, quote: Quote, *, with_crm: bool
) -> None:
    """Raises QueueFull if a system that this conversion needs has too many waiting for it, or for too long.

    Asked in the transaction that has just queued it: of many that come at once, those before it are seen. Transactions
    that PostgreSQL has open at the same moment are not; there are never more of them than connections.
    """
    needed = _needed(landscape, quote, with_crm=with_crm)
    waits_by_itself = case((_held.waiting_reason == "maintenance", None), else_=_held.waiting_since)
    waiting = (
        select(
            _held.waiting_system.label("system"),
            func.count().label("many"),
            func.min(waits_by_itself).label("oldest"),
            func.max(_held.waiting_until).label("until"),
        )
        .where(_held.waiting_instance.in_(needed))
        .group_by(_held.waiting_instance, _held.waiting_system)
    )
    unstarted = select(func.count().label("many"), func.min(_held.created_at).label("oldest")).where(
        _held.state == "received", _held.operation_id != operation_id
    )
    now = datetime.now(UTC)
    for row in await connection.execute(waiting):
        _refuse(row.system, row, landscape.queues.most_waiting, landscape.queues, now)
    row = (await connection.execute(unstarted)).one()
    _refuse(OURSELVES, row, landscape.queues.most_unstarted, landscape.queues, now)


def _needed(landscape: Landscape, quote: Quote, *, with_crm: bool) -> list[str]:
    """The instances that a conversion of this quote cannot do without. A plant's scheduler may not be asked at all, but
    nobody knows before."""
    plants = {line.plant or landscape.default_plant for line in quote.lines} & landscape.plants.keys()
    served = (landscape.plants[name] for name in plants)
    instances = {name for plant in served for name in (plant.erp, plant.scheduler) if name}
    return sorted(instances | ({landscape.crm.instance} if with_crm else set()))


def _refuse(system: str, row: Row[Any], most: int, queues: Queues, now: datetime) -> None:
    oldest_s = (now - row.oldest).total_seconds() if row.oldest else 0.0
    if row.many < most and oldest_s < queues.oldest.total_seconds():
        return
    until = getattr(row, "until", None)
    ends_in_s = (until - now).total_seconds() if until else 0.0
    raise QueueFull(system, row.many, oldest_s, min(max(LOOK_AGAIN_S, ends_in_s), LONGEST_WAIT_S))
