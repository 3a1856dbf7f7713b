"""Audit: who did what, when, with which credential, and what came of it. Written once, with the act, never changed.

Each entry carries the digest of the one before it in its chain (one per order, or per subject where there is no order
yet), and a seal over the whole log before it. What is kept and for how long: docs/audit.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import bindparam, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.audit_tables import audit_entries, audit_head
from policies.turn import take_turn

START: Final = "0" * 64
"""What stands where nothing came before."""
SYSTEM: Final = "system"
"""The credential of what nobody asked for: an operation going on by itself."""

LONGEST_JSON: Final = 16 * 1024
LONGEST_REASON: Final = 2000
WITHHELD: Final = "[withheld]"
_SECRET = re.compile(r"secret|token|password|authorization|credential|apikey|privatekey", re.IGNORECASE)
_NOT_DIGESTED = frozenset({"digest", "seal"})
_entries = audit_entries.c

_last = (
    select(_entries.position, _entries.digest)
    .where(_entries.chain == bindparam("of_chain"))
    .order_by(_entries.position.desc())
    .limit(1)
    .subquery()
)
_PLACE: Final = select(audit_head, _last).select_from(audit_head.outerjoin(_last, true()))
"""Where the log stands, and a chain in it."""
_WRITE: Final = insert(audit_entries)
_MOVE: Final = (
    update(audit_head)
    .where(audit_head.c.sequence == bindparam("before"))
    .values(sequence=bindparam("to_sequence"), seal=bindparam("to_seal"))
)


class Act(Struct, frozen=True, kw_only=True):
    """Something done that must be accounted for.

    `act` is the call (`POST /v1/quotes/{quoteId}/order-conversions`) or the deed (`operation.retry`). `credential` is
    `token:<jti>`, `key:<key id>` or `system`. `subject` is the id of the thing, `documents` what was made elsewhere
    (`erp:s4-1710/4711`). `before` and `after` are builtins: the few members that changed, never a whole document.
    """

    act: str
    client_id: str
    credential: str
    subject: str
    outcome: str
    correlation_id: str
    order_id: str | None = None
    customer_po: str | None = None
    customer: str | None = None
    fingerprint: str | None = None
    reason: str | None = None
    documents: tuple[str, ...] = ()
    before: Any = None
    after: Any = None


class Touched(Struct, frozen=True, kw_only=True):
    """What a mutation touched, told by its process; who did it, how and when, the stack knows. See `Act`."""

    subject: str
    outcome: str = "done"
    order_id: str | None = None
    customer_po: str | None = None
    customer: str | None = None
    reason: str | None = None
    documents: tuple[str, ...] = ()
    before: Any = None
    after: Any = None


recorded: ContextVar[list[str] | None] = ContextVar("recorded", default=None)
"""The entries written since somebody began to collect: an act that accounts for itself is not told twice."""


async def record(connection: AsyncConnection, act: Act, at: datetime) -> str:
    """Write the entry in the caller's transaction; its id. It exists if the act does, and not otherwise.

    Call it last, after the rows of the act: writers of the log take turns, and the turn lasts until the commit.
    """
    await take_turn(connection)
    chain = _fitting(act.order_id or act.subject, 128)
    head = (await connection.execute(_PLACE, {"of_chain": chain})).one()
    entry = {
        "sequence": head.sequence + 1,
        "chain": chain,
        "position": (head.position or 0) + 1,
        "at": at.astimezone(UTC),
        **_columns(act),
        "previous": head.digest or START,
    }
    entry["digest"] = digest_of(entry)
    entry["seal"] = seal_of(head.seal, entry["digest"])
    await connection.execute(_WRITE, entry)
    moved = await connection.execute(
        _MOVE, {"before": head.sequence, "to_sequence": entry["sequence"], "to_seal": entry["seal"]}
    )
    if moved.rowcount != 1:
        raise RuntimeError("the audit was written outside its turn")
    written = entry_id(entry["sequence"])
    if (collected := recorded.get()) is not None:
        collected.append(written)
    return written


def entry_id(sequence: int) -> str:
    return f"aud_{sequence:012d}"


def digest_of(entry: Mapping[str, Any]) -> str:
    """SHA-256 over all that the entry says, column by column as stored, each preceded by its length."""
    digest = sha256()
    for column in audit_entries.columns:
        if column.name not in _NOT_DIGESTED:
            for part in (column.name.encode(), _stored(entry[column.name])):
                digest.update(len(part).to_bytes(8, "big"))
                digest.update(part)
    return digest.hexdigest()


def seal_of(seal_before: str, digest: str) -> str:
    return sha256(f"{seal_before}{digest}".encode()).hexdigest()


def withheld(value: Any) -> Any:
    """The value without what opens doors: members whose names sound like a secret lose their values."""
    if isinstance(value, Mapping):
        return {name: WITHHELD if _SECRET.search(str(name)) else withheld(each) for name, each in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [withheld(each) for each in value]
    return value


def _columns(act: Act) -> dict[str, Any]:
    return {
        "act": _fitting(act.act, 200),
        "outcome": _fitting(act.outcome, 64),
        "client_id": _fitting(act.client_id, 255),
        "credential": _fitting(act.credential, 255),
        "subject": _fitting(act.subject, 128),
        "order_id": _fitting(act.order_id, 128),
        "customer_po": _fitting(act.customer_po, 64),
        "customer": _fitting(act.customer, 64),
        "correlation_id": _fitting(act.correlation_id, 128),
        "fingerprint": act.fingerprint,
        "reason": _fitting(act.reason, LONGEST_REASON),
        "documents": _json(list(act.documents)),
        "before": None if act.before is None else _json(act.before),
        "after": None if act.after is None else _json(act.after),
    }


def _json(value: Any) -> str:
    """What is too long for an entry leaves its size and digest there, so that it can still be recognised."""
    encoded = msgspec.json.encode(withheld(msgspec.to_builtins(value)))
    if len(encoded) > LONGEST_JSON:
        encoded = msgspec.json.encode({"omittedBytes": len(encoded), "sha256": sha256(encoded).hexdigest()})
    return encoded.decode()


def _fitting(value: Any, length: int) -> Any:
    """No text is too long for its column, nor holds a NUL, which PostgreSQL refuses: an act never fails for that."""
    return value if value is None else str(value).replace("\0", "")[:length]


def _stored(value: Any) -> bytes:
    if value is None:
        return b"\0"
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat(timespec="microseconds")
    return b"\1" + str(value).encode("utf-8", "surrogatepass")
