"""Where the figures are kept: totals that only grow, and how far into the outbox they go."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, PrimaryKeyConstraint, String, Table

from process_apis.tables import metadata

figures = Table(
    "figures",
    metadata,
    Column("name", String(64), nullable=False),
    Column("labels", String(400), nullable=False),  # JSON object, keys sorted
    Column("total", Float, nullable=False),
    PrimaryKeyConstraint("name", "labels"),
)

figures_place = Table(
    "figures_place",
    metadata,
    Column("reader", String(32), primary_key=True),
    Column("sequence", BigInteger, nullable=False),  # of the last event that is counted
)
