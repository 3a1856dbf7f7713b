"""The rows of the processes. `app/database.py` makes the engine, numbered migrations make these tables."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from policies.columns import UtcDateTime

metadata = MetaData()

operations = Table(
    "operations",
    metadata,
    Column("operation_id", String(40), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("state", String(32), nullable=False),
    Column("waiting_for", Text),  # JSON: the neighbour that is down, beside the state
    Column("retry_at", UtcDateTime),
    Column("revision", Integer, nullable=False),
    Column("executor", String(64)),  # which running engine owns the next write to a neighbour
    Column("client_id", String(255), nullable=False),
    Column("customer", String(64), nullable=False),
    Column("quote_id", String(64), nullable=False),
    Column("quote_version", String(64), nullable=False),
    Column("terms", Text, nullable=False),  # JSON: the request and the quote as they stood when we said 202
    Column("lines", Text, nullable=False),  # JSON
    Column("exceptions", Text, nullable=False),  # JSON
    Column("order_instance", String(64)),
    Column("order_number", String(64)),
    Column("decide_by", UtcDateTime),
    Column("decision", String(16)),
    Column("correlation_id", String(128), nullable=False),
    Column("traceparent", String(55)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("operations_by_customer", "customer", "operation_id"),
    Index("operations_by_state", "state", "updated_at"),
    Index("operations_by_order", "order_instance", "order_number"),
)

operation_steps = Table(
    "operation_steps",
    metadata,
    Column("operation_id", String(40), ForeignKey("operations.operation_id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("position", Integer, nullable=False),
    Column("system", String(64)),
    Column("attempts", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("outcome", String(32)),
    Column("attempted_at", UtcDateTime),  # a write may have left the house at this moment, its outcome is not known
    Column("settled_at", UtcDateTime),  # from then on it has happened or will not happen: looking it up is conclusive
    PrimaryKeyConstraint("operation_id", "name"),
)

converted_lines = Table(
    "converted_lines",
    metadata,
    Column("quote_id", String(64), nullable=False),
    Column("quote_version", String(64), nullable=False),
    Column("line_id", String(64), nullable=False),
    Column("operation_id", String(40), ForeignKey("operations.operation_id"), nullable=False, index=True),
    PrimaryKeyConstraint("quote_id", "quote_version", "line_id"),  # a quote line becomes an order item once
)

events = Table(
    "events",
    metadata,
    # SQLite counts by itself only in a column that is exactly INTEGER
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("event_id", String(40), nullable=False, unique=True),
    Column("type", String(128), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("customer", String(64), nullable=False),
    Column("correlation_id", String(128), nullable=False),
    Column("traceparent", String(55)),
    Column("time", UtcDateTime, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    Index("events_by_customer", "customer", "sequence"),
    sqlite_autoincrement=True,  # a number is never used twice, not even after old events are removed
)
