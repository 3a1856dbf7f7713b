"""What auditors and operators read about calls that were made: entries, proofs, explanations, use of versions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from process_apis.words import Instant, View, Word

Name = Annotated[str, Meta(min_length=1, max_length=255)]


class AuditQuery(Word, frozen=True):
    """Which entries; conditions add up. `since` is included, `until` is not."""

    order: Annotated[Name, Meta(description="An order, with the operations and change requests that worked on it.")] | (
        None
    ) = None
    customer_po: Annotated[Name, Meta(description="The customer's purchase order number.")] | None = None
    client: Annotated[Name, Meta(description="Who did it.")] | None = None
    subject: Annotated[Name, Meta(description="The id of one thing: an operation, a key, a client.")] | None = None
    act: Annotated[Name, Meta(description="What was done, as an entry names it.")] | None = None
    since: Annotated[datetime, Meta(tz=True, description="From this moment on.")] | None = None
    until: Annotated[datetime, Meta(tz=True, description="Before this moment.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 50
    cursor: Annotated[str, Meta(min_length=1, max_length=1024, description="`next` of the page before.")] | None = None


class ProofQuery(Word, frozen=True):
    after: Annotated[
        int, Meta(ge=0, le=2**62, description="Go on behind this entry: `through` of the page before.")
    ] = 0
    limit: Annotated[int, Meta(ge=1, le=5000, description="How many entries at most.")] = 1000
    seen: (
        Annotated[
            str,
            Meta(
                pattern=r"^[0-9]{1,18}:[0-9a-f]{64}$(?!\n)",
                description="A mark that was kept elsewhere: `sequence:seal`.",
            ),
        ]
        | None
    ) = None


class UsageQuery(Word, frozen=True):
    days: Annotated[int, Meta(ge=1, le=400, description="How many days back, today included.")] = 30


class AuditEntry(View, frozen=True):
    """One act. `credential` is `token:<jti>`, `key:<key id>` or `system`; `documents` what was made in other systems.

    `digest` is that of the entry, `previous` that of the one before it in its `chain`.
    """

    entry_id: str
    sequence: int
    at: Instant
    act: str
    outcome: str
    client_id: str
    credential: str
    subject: str
    order_id: str | None
    customer_po: str | None
    customer: str | None
    correlation_id: str
    fingerprint: str | None
    reason: str | None
    documents: tuple[str, ...]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    chain: str
    position: int
    previous: str
    digest: str


class AuditPage(View, frozen=True):
    """Entries, newest first. `next` leads on to older ones."""

    entries: tuple[AuditEntry, ...]
    next: str | None


class AuditFlaw(View, frozen=True):
    """Something that cannot be unless somebody laid hands on the log."""

    sequence: int
    what: str


class AuditProof(View, frozen=True):
    """What recomputing a part of the log found. `mark` is worth keeping elsewhere: it proves a cut made later.

    `through` is the last entry looked at and `done` says that there are no more. Entries up to `sealedThrough` stand
    under a signed checkpoint; those up to `purgedThrough` were forgotten on purpose, when their time was over.
    """

    checked: int
    through: int
    done: bool
    flaws: tuple[AuditFlaw, ...]
    mark: str
    entries: int
    sealed_through: int
    sealed_at: Instant | None
    purged_through: int


class RefusalExplained(View, frozen=True):
    """Why a call was refused: which policy or layer decided, the facts it went by, and what would help.

    Only the process that refused the call remembers it, for a while; `process` names it.
    """

    instance: str
    at: Instant
    status: int
    code: str
    decided_by: str
    because: str
    operation: str
    client_id: str | None
    credential: str | None
    correlation_id: str
    facts: dict[str, Any]
    remedy: str
    process: str


class VersionUse(View, frozen=True):
    """How often a client called an operation, and what becomes of that operation."""

    client_id: str
    operation: str
    version: str
    calls: int
    last_at: Instant
    deprecated_at: Instant | None
    sunset_at: Instant | None
    successor: str | None


class VersionUses(View, frozen=True):
    """Who calls what, since the day `since`. Counted calls reach this list within a minute."""

    since: str
    uses: tuple[VersionUse, ...]
