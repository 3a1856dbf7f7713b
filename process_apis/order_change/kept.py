"""What the steps of a commit brought about, for a later run of it: an operator may have it tried once more."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.order_change.models import ChangeRequest
from process_apis.order_change.tables import change_steps

LEFT_AT = "changeOrder.leftAt"
"""Not a step of a commit but a mark inside one: what is kept by this name is a version of the order."""
_kept = change_steps.c


async def keep(connection: AsyncConnection, held: ChangeRequest, name: str, result: str, at: datetime) -> None:
    """`result` is what came of the step, as JSON."""
    step = {"change_request_id": held.change_request_id, "revision": held.revision, "name": name}
    await connection.execute(delete(change_steps).where(*(_kept[column] == value for column, value in step.items())))
    await connection.execute(insert(change_steps).values(**step, run=held.run, result=result, ended_at=at))


async def left_at(connection: AsyncConnection, held: ChangeRequest) -> str | None:
    """The ERP's version of the order as we last knew it before a write of ours (empty: it did not say); None: nothing
    was written yet."""
    return await connection.scalar(
        select(_kept.result).where(
            _kept.change_request_id == held.change_request_id,
            _kept.revision == held.revision,
            _kept.name == LEFT_AT,
        )
    )


async def result_before(connection: AsyncConnection, held: ChangeRequest, name: str, run: int) -> str | None:
    """What a run before `run` brought about in a step of this very proposal."""
    return await connection.scalar(
        select(_kept.result).where(
            _kept.change_request_id == held.change_request_id,
            _kept.revision == held.revision,
            _kept.name == name,
            _kept.run < run,
        )
    )
