"""The rows of the audit: entries nobody changes, where the log stands, and the points that were sealed."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from policies.columns import UtcDateTime
from policies.tables import metadata

Sequence = BigInteger().with_variant(Integer, "sqlite")

audit_entries = Table(
    "audit_entries",
    metadata,
    # counted by us, not by the store: without gaps, so that a missing one is seen
    Column("sequence", Sequence, primary_key=True, autoincrement=False),
    Column("chain", String(128), nullable=False),
    Column("position", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("act", String(200), nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("client_id", String(255), nullable=False),
    Column("credential", String(255), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("order_id", String(128)),
    Column("customer_po", String(64)),
    Column("customer", String(64)),
    Column("correlation_id", String(128), nullable=False),
    Column("fingerprint", String(64)),
    Column("reason", Text),
    Column("documents", Text, nullable=False),  # JSON
    Column("before", Text),  # JSON
    Column("after", Text),  # JSON
    Column("previous", String(64), nullable=False),  # digest of the entry before it in its chain
    Column("digest", String(64), nullable=False),
    Column("seal", String(64), nullable=False),  # over the seal of the entry before it in the whole log, and the digest
    UniqueConstraint("chain", "position", name="audit_chain_never_forks"),
    Index("audit_by_order", "order_id", "sequence"),
    Index("audit_by_subject", "subject", "sequence"),
    Index("audit_by_po", "customer_po", "sequence"),
    Index("audit_by_client", "client_id", "sequence"),
    Index("audit_by_time", "at"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),  # there is one row
    Column("sequence", Sequence, nullable=False),
    Column("seal", String(64), nullable=False),
)

# a log begins with its head, whoever makes the tables; the migration says the same
event.listen(
    audit_head,
    "after_create",
    DDL(  # type: ignore[no-untyped-call]  # its types are not declared
        "INSERT INTO audit_head (one, sequence, seal) VALUES (1, 0, '%(start)s')", context={"start": "0" * 64}
    ),
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=False),
    Column("purged", Boolean, primary_key=True),  # everything up to here may be deleted
    Column("seal", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("mac", String(64), nullable=False),
    Index(
        "audit_checkpoints_purged",  # the store asks it for every entry that it is told to delete
        "sequence",
        sqlite_where=text("purged"),
        postgresql_where=text("purged"),
    ),
)
