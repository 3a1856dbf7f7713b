"""How operators see operations and exceptions: with their age, their owner, and what can be done about them now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row

from process_apis.exception_rows import view_of
from process_apis.exceptions import ExceptionView, Remedy, Role
from process_apis.operating.listing import waiting_of
from process_apis.operating.models import (
    ACTIVE,
    Deed,
    OperatedOperation,
    OperationSummary,
    OperatorException,
)
from process_apis.operations import CANCELLABLE, OperationLine, Step

OPERATIONS, EXCEPTIONS = "/internal/v1/operations", "/internal/v1/exceptions"


def etag_of(ident: str, version: int) -> str:
    return f'"{ident}-{version}"'


def summary(row: Row[Any], exceptions: Sequence[ExceptionView], now: datetime) -> OperationSummary:
    return OperationSummary(**_head(row, exceptions, now))


def operated(
    row: Row[Any],
    exceptions: Sequence[OperatorException],
    now: datetime,
    lines: tuple[OperationLine, ...] = (),
    steps: tuple[Step, ...] = (),
) -> OperatedOperation:
    return OperatedOperation(
        **_head(row, exceptions, now),
        decide_by=row.decide_by,
        decision=row.decision,
        lines=lines,
        steps=steps,
        exceptions=tuple(exceptions),
        remediation=deeds(row.ident, row.state),
    )


def deeds(ident: str, state: str) -> tuple[Deed, ...]:
    """What an operator can do about an operation in this state."""
    possible = ("retry", "resolve") if state == "actionRequired" else ("cancel",) if state in CANCELLABLE else ()
    return tuple(Deed(action, f"{OPERATIONS}/{ident}/{action}", "POST") for action in possible)


def operator_exception(row: Row[Any], now: datetime) -> OperatorException:
    """A row as operators read it. Its age ends when it does."""
    seen = view_of(row)
    href = f"{EXCEPTIONS}/{seen.exception_id}"
    active = seen.state in ACTIVE
    possible = ("ack", "resolve") if seen.state in ("open", "proposed") else ("resolve",) if active else ()
    kept = ("subject_kind", "subject_id", "order_id", "customer", "plant", "acknowledged_at", "acknowledged_by",
            "ended_at", "ended_by", "reason")  # fmt: skip
    shown: dict[str, Any] = msgspec.structs.asdict(seen) | {name: getattr(row, name) for name in kept}
    shown |= {"href": href, "etag": etag_of(seen.exception_id, row.revision)}
    shown["remediation"] = (
        *(Remedy(action, f"{href}/{action}", "POST") for action in possible),
        Remedy("showOperation", f"{OPERATIONS}/{row.subject_id}", "GET"),
    )
    return OperatorException(
        **shown,
        age_seconds=_seconds(seen.opened_at, row.ended_at or now),
        overdue=active and seen.due_at <= now,
    )


def _head(row: Row[Any], exceptions: Sequence[ExceptionView], now: datetime) -> dict[str, Any]:
    active = sorted((one for one in exceptions if one.state in ACTIVE), key=lambda one: one.due_at)
    owner: Role | None = active[0].owner.role if active else None
    return {
        "operation_id": row.ident,
        "kind": row.kind,
        "state": row.state,
        "href": f"{OPERATIONS}/{row.ident}",
        "etag": etag_of(row.ident, row.version),
        "customer": row.customer,
        "client_id": row.client_id,
        "quote_id": row.quote_id,
        "order_id": row.order_id,
        "waiting_for": waiting_of(row),
        "retry_at": row.retry_at,
        "owner": owner,
        "due_at": active[0].due_at if active else None,
        "open_exceptions": len(active),
        "run": row.run,
        "takeovers": row.takeovers,
        "age_seconds": _seconds(row.created_at, now),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "correlation_id": row.correlation_id,
    }


def _seconds(since: datetime, until: datetime) -> int:
    return max(0, int((until - since).total_seconds()))
