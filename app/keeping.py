"""What is kept for how long: `[retention]` of the TOML file, and how each kind is forgotten."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated

from msgspec import Meta, Struct

from policies.audit_seals import Notary, due_audit, purge_audit
from policies.idempotency import due_claims, purge_claims
from policies.kept import Kept
from policies.key_purge import due_keys, purge_keys
from policies.usage import due_usage, purge_usage
from process_apis.retention.checkpoints import due_checkpoints, purge_checkpoints, schema_on
from process_apis.retention.ended import due_changes, due_operations, purge_changes, purge_operations
from process_apis.retention.told import due_events, purge_events

OPERATIONS_AT_ONCE = 100
"""Each has a dozen rows elsewhere."""


class RetentionEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """How many days things are kept after their end.

    `operations_days`: conversions and change requests, with steps and exceptions; longer than any order is open, for an
    order's view and its changes know by them where it came from. `events_days`: the feed; the longest that a reader may
    stay away. `usage_days`: who called what. `engine_days`: what the engine remembers of ended operations.
    """

    operations_days: Annotated[int, Meta(ge=30, le=36_500)] = 730
    events_days: Annotated[int, Meta(ge=7, le=36_500)] = 90
    usage_days: Annotated[int, Meta(ge=31, le=36_500)] = 400
    engine_days: Annotated[int, Meta(ge=1, le=3_650)] = 7


def kinds(
    entry: RetentionEntry, notary: Notary, dialect: str, *, audit_days: int, ended_keys_days: int
) -> tuple[Kept, ...]:
    """Everything that this gateway keeps only for a while. Change requests before the operations they go by."""
    ended, schema = timedelta(days=entry.operations_days), schema_on(dialect)
    return (
        Kept("idempotencyKeys", timedelta(0), purge_claims, due_claims),  # each says itself until when it is kept
        Kept("changeRequests", ended, purge_changes, due_changes, OPERATIONS_AT_ONCE),
        Kept("operations", ended, purge_operations, due_operations, OPERATIONS_AT_ONCE),
        Kept("events", timedelta(days=entry.events_days), purge_events, due_events),
        Kept("audit", timedelta(days=audit_days), partial(purge_audit, notary), due_audit),
        Kept("versionUsage", timedelta(days=entry.usage_days), purge_usage, due_usage),
        Kept("apiKeys", timedelta(days=ended_keys_days), purge_keys, due_keys),
        Kept(  # last: its tables are not ours, and no trouble with them may keep the others
            "engineMemory",
            timedelta(days=entry.engine_days),
            partial(purge_checkpoints, schema),
            partial(due_checkpoints, schema),
            OPERATIONS_AT_ONCE,
        ),
    )
