"""Whose turn it is to forget, and when the next one comes: one row per kind."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table

from policies.columns import UtcDateTime
from process_apis.tables import metadata

retention = Table(
    "retention",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("next_at", UtcDateTime, nullable=False),  # by the store's clock
    Column("purged_at", UtcDateTime),  # when something went last
    Column("untold", BigInteger, nullable=False),  # so many went that the audit has not been told of
    Column("told_at", UtcDateTime),
)
