"""The rows of change requests."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from policies.columns import UtcDateTime
from process_apis.tables import metadata

change_requests = Table(
    "change_requests",
    metadata,
    Column("change_request_id", String(40), primary_key=True),
    Column("order_id", String(80), nullable=False),
    # the order while the request is open, null afterwards: unique, so that only one can be open
    Column("open_order_id", String(80), unique=True),
    Column("state", String(32), nullable=False),
    Column("waiting_for", Text),  # JSON: the neighbour that is down, beside the state
    Column("retry_at", UtcDateTime),
    Column("revision", Integer, nullable=False),  # of the proposal: what a decision is about
    Column("version", Integer, nullable=False),  # of the row
    Column("executor", String(64)),  # which running engine owns the next write to a neighbour
    Column("client_id", String(255), nullable=False),
    Column("customer", String(64), nullable=False),
    Column("wish", Text, nullable=False),  # JSON: the request as it came
    Column("based_on", Text, nullable=False),  # JSON: the version of the order that the proposal was made on
    Column("proposal", Text, nullable=False),  # JSON
    Column("conflicts", Text, nullable=False),  # JSON
    Column("exceptions", Text, nullable=False),  # JSON
    Column("decision", String(32)),
    Column("correlation_id", String(128), nullable=False),
    Column("traceparent", String(55)),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("change_requests_by_order", "order_id", "change_request_id"),
    Index("change_requests_by_state", "state", "updated_at"),
)
