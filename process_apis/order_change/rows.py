"""Change requests in the store: rows to structs and back, and the few ways in which a row may change.

Every function works in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from sqlalchemy import CursorResult, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis import exception_rows
from process_apis.operation_rows import waiting_columns, waiting_in
from process_apis.operations import WaitingFor
from process_apis.order_change.models import (
    ENDED,
    TRANSITIONS,
    ChangeRequest,
    ChangeRequestBody,
    Conflict,
    Proposal,
    State,
)
from process_apis.order_change.tables import change_requests
from process_apis.orders.versions import OrderVersion

_SHAPES: dict[str, Any] = {
    "wish": ChangeRequestBody,
    "based_on": OrderVersion,
    "proposal": Proposal,
    "conflicts": tuple[Conflict, ...],
}
_DECODERS = {name: msgspec.json.Decoder(shape) for name, shape in _SHAPES.items()}
_held = change_requests.c


async def insert_request(connection: AsyncConnection, held: ChangeRequest) -> None:
    """With its exceptions. Raises IntegrityError if another request is open for the order."""
    columns = _values(msgspec.structs.asdict(held))
    del columns["exceptions"]
    await connection.execute(insert(change_requests).values(columns))
    if held.exceptions:
        await exception_rows.insert_all(connection, held.subject, held.exceptions)


async def load(connection: AsyncConnection, change_request_id: str) -> ChangeRequest | None:
    query = select(change_requests).where(_held.change_request_id == change_request_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    columns = dict(row._mapping)
    for name, decoder in _DECODERS.items():
        columns[name] = decoder.decode(columns[name]) if columns[name] is not None else None
    columns["waiting_for"] = waiting_in(columns)
    exceptions = await exception_rows.of(connection, change_request_id)
    return ChangeRequest(**columns, exceptions=exceptions[change_request_id])


async def open_request_of(connection: AsyncConnection, order_id: str) -> str | None:
    """The one change request that is open for the order."""
    return await connection.scalar(select(_held.change_request_id).where(_held.open_order_id == order_id))


async def expire_due(connection: AsyncConnection, order_id: str, at: datetime) -> None:
    """A proposal that nobody took in time makes room for the next one."""
    expired = await connection.scalar(
        update(change_requests)
        .where(_held.open_order_id == order_id, _held.state == "proposed", _held.expires_at <= at)
        .values(state="expired", open_order_id=None, version=_held.version + 1, updated_at=at)
        .returning(_held.change_request_id)
    )
    if expired is not None and (held := await load(connection, expired)) is not None:
        await exception_rows.end_all(connection, held, exception_rows.Ending("expired", at))


async def move(
    connection: AsyncConnection,
    change_request_id: str,
    state: State,
    at: datetime,
    *,
    version: int | None = None,
    revision: int | None = None,
    executor: str | None = None,
    **changes: Any,
) -> bool:
    """Enter `state` if the table of transitions lets us, if row and proposal still are what the caller read, and if
    `executor` still is the execution that commits.

    A request that has ended makes room for the next one of its order; a new proposal counts its revision up.
    """
    origins = sorted(origin for origin, following in TRANSITIONS.items() if state in following)
    conditions = [_held.change_request_id == change_request_id, _held.state.in_(origins)]
    if version is not None:
        conditions.append(_held.version == version)
    if revision is not None:
        conditions.append(_held.revision == revision)
    if executor is not None:
        conditions.append(_held.executor == executor)
    if state == "proposed":
        changes["revision"] = _held.revision + 1
    if state in ENDED:
        changes["open_order_id"] = None
    done = await connection.execute(
        update(change_requests)
        .where(*conditions)
        .values(state=state, version=_held.version + 1, updated_at=at, **_values(changes))
    )
    return cast("CursorResult[Any]", done).rowcount == 1


async def note_waiting(
    connection: AsyncConnection,
    change_request_id: str,
    waiting: WaitingFor | None,
    retry_at: datetime | None,
    *,
    executor: str,
) -> bool:
    """Beside the state: whom a commit waits for. It is no news for a decision, so the version stays. False: `executor`
    is not the one who commits any more."""
    done = await connection.execute(
        update(change_requests)
        .where(_held.change_request_id == change_request_id, _held.executor == executor)
        .values(**waiting_columns(waiting), retry_at=retry_at, takeovers=0)
    )
    return cast("CursorResult[Any]", done).rowcount == 1


async def take_over(
    connection: AsyncConnection, change_request_id: str, executor: str, *, revision: int, run: int
) -> bool:
    """From now on `executor`, one execution of this run, acts; whoever acted before finds out before its next write to
    a neighbour. False: there is a later revision or run, or no such request."""
    done = await connection.execute(
        update(change_requests)
        .where(_held.change_request_id == change_request_id, _held.revision == revision, _held.run == run)
        .values(executor=executor)
    )
    return cast("CursorResult[Any]", done).rowcount == 1


async def count_takeover(connection: AsyncConnection, change_request_id: str, run: int) -> int:
    """A process died with this run in its hands: how many have by now, over the step that was under way. 0: it waited
    for a neighbour, which kills nobody."""
    done = await connection.execute(
        update(change_requests)
        .where(
            _held.change_request_id == change_request_id,
            _held.run == run,
            _held.state == "committing",
            _held.waiting_system.is_(None),
        )
        .values(takeovers=_held.takeovers + 1)
    )
    if cast("CursorResult[Any]", done).rowcount == 0:
        return 0
    return await connection.scalar(select(_held.takeovers).where(_held.change_request_id == change_request_id)) or 0


async def is_ours(connection: AsyncConnection, held: ChangeRequest, executor: str) -> bool:
    """Are we still the ones who commit this very proposal? In a transaction nobody takes over before its end."""
    found = await connection.scalar(
        select(_held.change_request_id)
        .where(
            _held.change_request_id == held.change_request_id,
            _held.state == "committing",
            _held.revision == held.revision,
            _held.executor == executor,
        )
        .with_for_update()
    )
    return found is not None


async def committing(connection: AsyncConnection) -> Sequence[tuple[str, int]]:
    """What should be under way: `<change request>.<revision>`, and its run."""
    rows = await connection.execute(
        select(_held.change_request_id, _held.revision, _held.run).where(_held.state == "committing")
    )
    return [(f"{row.change_request_id}.{row.revision}", row.run) for row in rows]


def _values(changes: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: msgspec.json.encode(value).decode() if name in _SHAPES and value is not None else value
        for name, value in changes.items()
    }
    if "waiting_for" in values:
        values |= waiting_columns(values.pop("waiting_for"))
    return values
