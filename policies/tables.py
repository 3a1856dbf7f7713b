"""The rows the policies keep."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

from policies.columns import UtcDateTime

metadata = MetaData()

IN_FLIGHT = "inFlight"
SETTLED = "settled"

idempotency_claims = Table(
    "idempotency_claims",
    metadata,
    Column("client_id", String(200), primary_key=True),
    Column("operation", String(200), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    # who holds the claim; changes with every take-over, so that a former holder is recognised
    Column("owner", String(32), nullable=False),
    Column("executor", String(40)),  # the process of the holder, by the id under which its death is noticed
    Column("lease_until", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("status", Integer),
    Column("headers", Text),
    Column("body", LargeBinary),
    Column("subject", String(128)),  # what the answer is about: an answer that says "under way" is renewed from there
    Index("ix_idempotency_claims_expires_at", "expires_at"),
    Index(
        "idempotency_claims_in_flight",
        "executor",
        sqlite_where=text("state = 'inFlight'"),
        postgresql_where=text("state = 'inFlight'"),
    ),
)
