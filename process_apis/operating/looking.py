"""Operators looking at what is under way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from process_apis import exception_rows
from process_apis import operation_rows as rows
from process_apis.caller import Caller
from process_apis.cursors import cursor_of, place_in
from process_apis.errors import Fault, NoSuchThing, RequestFaulty
from process_apis.operating import listing
from process_apis.operating.models import (
    ExceptionQuery,
    OperatedOperation,
    OperatedQuery,
    OperationSummaries,
    OperatorException,
)
from process_apis.operating.showing import operated, operator_exception, summary
from process_apis.operations import TRANSITIONS
from process_apis.order_change.models import TRANSITIONS as CHANGE_TRANSITIONS
from process_apis.seals import Seals
from process_apis.tables import exceptions

KIND = "operation"
STATES = frozenset({*TRANSITIONS, *CHANGE_TRANSITIONS, listing.UNFINISHED})


async def list_operated(
    caller: Caller, _request: None, *, store: AsyncEngine, seals: Seals, **asked: Any
) -> OperationSummaries:
    """Conversions and change requests of all clients, the newest first."""
    wanted = OperatedQuery(**asked)
    if wanted.state is not None and wanted.state not in STATES:
        fault = f"{wanted.state} is no state; there are {', '.join(sorted(STATES))}"
        raise RequestFaulty((Fault("#/state", fault, "state-unknown"),))
    now, listed = datetime.now(UTC), filter_name(KIND, wanted)
    after = place_in(wanted.cursor, caller.client, listed, seals) if wanted.cursor else None
    async with store.connect() as connection:
        found = await listing.page(connection, wanted, now, after, wanted.limit + 1)
        page = found[: wanted.limit]
        known = await exception_rows.of(connection, *(row.ident for row in page))
    more = listing.place_of(page[-1]) if len(found) > wanted.limit else None
    return OperationSummaries(
        tuple(summary(row, known[row.ident], now) for row in page),
        cursor_of(caller.client, listed, more, seals) if more else None,
    )


async def show_operated(_caller: Caller, _request: None, *, operation_id: str, store: AsyncEngine) -> OperatedOperation:
    """All about one conversion or change request: its steps, its lines, its exceptions, and what can be done now."""
    async with store.connect() as connection:
        return await shown(connection, operation_id)


async def shown(connection: AsyncConnection, ident: str) -> OperatedOperation:
    """It as it stands in this transaction."""
    row = await listing.find(connection, ident)
    if row is None:
        raise NoSuchThing(KIND, ident)
    now = datetime.now(UTC)
    met = await exceptions_of(connection, ident, now)
    if row.kind == listing.CHANGE_KIND:
        return operated(row, met, now)
    conversion = await rows.load(connection, ident)
    steps = await rows.steps_of(connection, ident)
    return operated(row, met, now, conversion.lines if conversion else (), steps[ident])


async def exceptions_of(connection: AsyncConnection, ident: str, now: datetime) -> Sequence[OperatorException]:
    held = exceptions.c
    found = await connection.execute(
        select(exceptions).where(held.subject_id == ident).order_by(held.position, held.exception_id)
    )
    return [operator_exception(row, now) for row in found]


def filter_name(kind: str, wanted: OperatedQuery | ExceptionQuery) -> str:
    """The name of a list: a cursor of one filter is none of another."""
    asked = msgspec.structs.asdict(wanted)
    said = repr(sorted((name, value) for name, value in asked.items() if name not in ("limit", "cursor")))
    return f"{kind}:{sha256(said.encode()).hexdigest()[:16]}"
