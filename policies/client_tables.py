"""The rows of those who may call: clients and API keys made at runtime, and a number that moves with each change.

Whoever changes a client or a key draws the next number first and writes it on the row. The row of the number is locked
until the commit, so whoever has read the number N has all rows up to N in reach.
"""

from __future__ import annotations

from sqlalchemy import DDL, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, event

from policies.columns import UtcDateTime
from policies.tables import metadata

Revision = BigInteger().with_variant(Integer, "sqlite")

credential_revision = Table(
    "credential_revision",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),  # there is one row
    Column("value", Revision, nullable=False),
)

# the number begins at none, whoever makes the tables; the migration says the same
event.listen(credential_revision, "after_create", DDL("INSERT INTO credential_revision (one, value) VALUES (1, 0)"))  # type: ignore[no-untyped-call]

clients = Table(
    "clients",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("entry", Text, nullable=False),  # JSON of policies.clients.Client
    Column("enabled", Boolean, nullable=False),
    Column("revision", Revision, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("clients_by_revision", "revision"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String(40), primary_key=True),
    Column("client_id", String(64), nullable=False),  # of the file or of the table above
    Column("label", String(100), nullable=False),
    Column("digest", String(64), nullable=False),  # keyed: of no use without the pepper
    Column("pepper", String(16), nullable=False),  # the name of the pepper
    Column("scopes", Text, nullable=False),  # JSON
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("revision", Revision, nullable=False),
    Index("api_keys_by_client", "client_id", "key_id"),
    Index("api_keys_by_revision", "revision"),
)

# beside the keys, not on them: a use that is written late must never bring a revoked key back
api_key_uses = Table(
    "api_key_uses",
    metadata,
    Column("key_id", String(40), ForeignKey("api_keys.key_id"), primary_key=True),
    Column("last_used_at", UtcDateTime),
)
