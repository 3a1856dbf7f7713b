"""Operations and change requests as one list: to an operator they are the same thing, something under way.

Ids sort by time behind their prefix, so a page is read off the primary keys, however many have ended before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Subquery, case, exists, literal, null, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.exceptions import ENDED as OVER
from process_apis.operating.models import OperatedQuery
from process_apis.operations import ENDED, TRANSITIONS, WaitingFor
from process_apis.order_change.commit import WORKFLOW
from process_apis.order_change.models import ENDED as CHANGE_ENDED
from process_apis.order_change.models import TRANSITIONS as CHANGE_TRANSITIONS
from process_apis.order_change.tables import change_requests
from process_apis.tables import exceptions, operations

UNFINISHED = "unfinished"
ANY = "any"
CHANGE_KIND = WORKFLOW
_WAITING = ("waiting_system", "waiting_instance", "waiting_since", "waiting_reason", "waiting_until")
_SHARED = (*_WAITING, "state", "retry_at", "client_id", "customer", "run", "takeovers",
           "correlation_id", "created_at", "updated_at", "decision")  # fmt: skip
_SEPARATOR = "_"


def _conversions() -> Subquery:
    made = operations.c
    return select(
        made.operation_id.label("ident"),
        made.kind.label("kind"),
        made.revision.label("version"),
        made.quote_id.label("quote_id"),
        case((made.order_number.is_not(None), made.order_instance + "." + made.order_number)).label("order_id"),
        made.decide_by.label("decide_by"),
        literal(1).label("proposal_revision"),
        *(made[name] for name in _SHARED),
    ).subquery("conversions")


def _changes() -> Subquery:
    asked = change_requests.c
    return select(
        asked.change_request_id.label("ident"),
        literal(CHANGE_KIND).label("kind"),
        asked.version.label("version"),
        null().label("quote_id"),
        asked.order_id.label("order_id"),
        asked.expires_at.label("decide_by"),
        asked.revision.label("proposal_revision"),
        *(asked[name] for name in _SHARED),
    ).subquery("changes")


UNDER_WAY = {"op": _conversions(), "ocr": _changes()}
"""What each prefix of an id stands for."""
_MOVING: dict[str, list[str]] = {
    "op": sorted({*TRANSITIONS} - ENDED),
    "ocr": sorted({*CHANGE_TRANSITIONS} - CHANGE_ENDED),
}


async def find(connection: AsyncConnection, ident: str) -> Row[Any] | None:
    """One of them, by its id."""
    held = UNDER_WAY.get(ident.partition(_SEPARATOR)[0])
    if held is None:
        return None
    return (await connection.execute(select(held).where(held.c.ident == ident))).one_or_none()


async def page(
    connection: AsyncConnection, wanted: OperatedQuery, now: datetime, after: str | None, limit: int
) -> list[Row[Any]]:
    """The newest that are wanted, behind `after` (the id of the last one that is known, without its prefix)."""
    found: list[Row[Any]] = []
    for prefix, held in UNDER_WAY.items():
        place = [held.c.ident < f"{prefix}{_SEPARATOR}{after}"] if after else []
        rows = await connection.execute(
            select(held).where(*_wanted(prefix, held, wanted, now), *place).order_by(held.c.ident.desc()).limit(limit)
        )
        found += rows
    return sorted(found, key=place_of, reverse=True)[:limit]


def place_of(row: Row[Any]) -> str:
    """What follows the prefix of its id: when it was begun, and chance."""
    return str(row.ident).partition(_SEPARATOR)[2]


def waiting_of(row: Row[Any]) -> WaitingFor | None:
    if row.waiting_system is None:
        return None
    return WaitingFor(
        row.waiting_system,
        row.waiting_instance,
        row.waiting_since,
        reason=row.waiting_reason or "unavailable",
        ends_at=row.waiting_until,
    )


def _wanted(prefix: str, held: Subquery, wanted: OperatedQuery, now: datetime) -> Iterator[ColumnElement[bool]]:
    one = held.c
    if wanted.state == UNFINISHED:
        yield one.state.in_(_MOVING[prefix])
    elif wanted.state is not None:
        yield one.state == wanted.state
    if wanted.waiting_for == ANY:
        yield one.waiting_system.is_not(None)
    elif wanted.waiting_for is not None:
        yield or_(one.waiting_system == wanted.waiting_for, one.waiting_instance == wanted.waiting_for)
    for column, value in (
        (one.customer, wanted.customer),
        (one.quote_id, wanted.quote_id),
        (one.order_id, wanted.order_id),
    ):
        if value is not None:
            yield column == value
    if wanted.minimum_age_seconds is not None:
        yield one.created_at <= now - timedelta(seconds=wanted.minimum_age_seconds)
    if wanted.exception_code is not None:
        yield exists().where(
            exceptions.c.subject_id == one.ident,
            exceptions.c.code == wanted.exception_code,
            exceptions.c.state.not_in(sorted(OVER)),
        )
