"""The audit as an auditor reads it: entries by what one searches by, and whether the log is whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.audit import entry_id
from policies.audit_proof import verify
from policies.audit_seals import Mark, Notary
from policies.audit_tables import audit_entries
from process_apis.caller import Caller
from process_apis.cursors import cursor_of, place_in
from process_apis.oversight.models import AuditEntry, AuditFlaw, AuditPage, AuditProof
from process_apis.seals import Seals

_entries = audit_entries.c


async def list_audit(
    caller: Caller,
    _request: None,
    *,
    store: AsyncEngine,
    seals: Seals,
    limit: int = 50,
    cursor: str | None = None,
    **conditions: Any,
) -> AuditPage:
    """Who did what: entries that meet all conditions, newest first."""
    listing = _listing(conditions)
    older_than = int(place_in(cursor, caller.client, listing, seals)) if cursor else None
    wanted = [*_conditions(**conditions), *([_entries.sequence < older_than] if older_than is not None else [])]
    async with store.connect() as connection:
        found = await connection.execute(
            select(audit_entries).where(*wanted).order_by(_entries.sequence.desc()).limit(limit + 1)
        )
        rows = found.all()
    page = rows[:limit]
    more = cursor_of(caller.client, listing, str(page[-1].sequence), seals) if len(rows) > limit else None
    return AuditPage(tuple(map(_entry, page)), more)


async def verify_audit(
    _caller: Caller,
    _request: None,
    *,
    store: AsyncEngine,
    notary: Notary,
    after: int = 0,
    limit: int = 1000,
    seen: str | None = None,
) -> AuditProof:
    """Recompute a part of the log, entry by entry, and say what does not fit."""
    proof = await verify(store, notary, after=after, limit=limit, seen=_mark(seen))
    return AuditProof(
        checked=proof.checked,
        through=proof.through,
        done=proof.done,
        flaws=tuple(AuditFlaw(each.sequence, each.what) for each in proof.flaws),
        mark=str(proof.head),
        entries=proof.head.sequence,
        sealed_through=proof.sealed_through,
        sealed_at=proof.sealed_at,
        purged_through=proof.purged_through,
    )


def _conditions(
    *,
    order: str | None = None,
    customer_po: str | None = None,
    client: str | None = None,
    subject: str | None = None,
    act: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[ColumnElement[bool]]:
    if order is not None:
        # what was done before the order had a number belongs to it too
        of_the_order = select(_entries.subject).where(_entries.order_id == order)
        yield or_(_entries.order_id == order, _entries.subject.in_(of_the_order))
    for column, value in (
        (_entries.customer_po, customer_po),
        (_entries.client_id, client),
        (_entries.subject, subject),
        (_entries.act, act),
    ):
        if value is not None:
            yield column == value
    if since is not None:
        yield _entries.at >= since
    if until is not None:
        yield _entries.at < until


def _listing(conditions: dict[str, Any]) -> str:
    """A cursor belongs to these conditions and no others."""
    said = msgspec.json.encode({name: value for name, value in conditions.items() if value is not None}, order="sorted")
    return f"audit {sha256(said).hexdigest()[:16]}"


def _mark(seen: str | None) -> Mark | None:
    if seen is None:
        return None
    sequence, _, seal = seen.partition(":")
    return Mark(int(sequence), seal)


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        entry_id=entry_id(row.sequence),
        sequence=row.sequence,
        at=row.at,
        act=row.act,
        outcome=row.outcome,
        client_id=row.client_id,
        credential=row.credential,
        subject=row.subject,
        order_id=row.order_id,
        customer_po=row.customer_po,
        customer=row.customer,
        correlation_id=row.correlation_id,
        fingerprint=row.fingerprint,
        reason=row.reason,
        documents=msgspec.json.decode(row.documents, type=tuple[str, ...]),
        before=_decoded(row.before),
        after=_decoded(row.after),
        chain=row.chain,
        position=row.position,
        previous=row.previous,
        digest=row.digest,
    )


def _decoded(text: str | None) -> dict[str, Any] | None:
    """What is no object (somebody recorded a mere word) is shown as one."""
    if text is None:
        return None
    value = msgspec.json.decode(text)
    return value if isinstance(value, dict) else {"value": value}
