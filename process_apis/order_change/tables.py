"""The rows of change requests, and of the steps of their commits."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text

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
    Column("waiting_system", String(64)),  # the neighbour that is down, beside the state
    Column("waiting_instance", String(255)),
    Column("waiting_since", UtcDateTime),
    Column("waiting_reason", String(32)),
    Column("waiting_until", UtcDateTime),  # the end of a maintenance window
    Column("retry_at", UtcDateTime),
    Column("revision", Integer, nullable=False),  # of the proposal: what a decision is about
    Column("version", Integer, nullable=False),  # of the row
    Column("executor", String(64)),  # which execution, in which process, owns the next write to a neighbour
    Column("run", Integer, nullable=False, default=1),  # raised by whoever has the commit run anew
    Column("takeovers", Integer, nullable=False, default=0),  # processes that died while the commit was at work
    Column("client_id", String(255), nullable=False),
    Column("customer", String(64), nullable=False),
    Column("wish", Text, nullable=False),  # JSON: the request as it came
    Column("based_on", Text, nullable=False),  # JSON: the version of the order that the proposal was made on
    Column("proposal", Text, nullable=False),  # JSON
    Column("conflicts", Text, nullable=False),  # JSON
    Column("decision", String(32)),
    Column("correlation_id", String(128), nullable=False),
    Column("traceparent", String(55)),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("change_requests_by_order", "order_id", "change_request_id"),
    Index("change_requests_by_state", "state", "updated_at"),
)

change_steps = Table(
    "change_steps",
    metadata,
    Column("change_request_id", String(40), ForeignKey("change_requests.change_request_id"), nullable=False),
    Column("revision", Integer, nullable=False),  # of the proposal that was being committed
    Column("name", String(64), nullable=False),
    Column("run", Integer, nullable=False),  # which run of the commit did it last
    Column("result", Text, nullable=False),  # JSON: what came of it, for a later run
    Column("ended_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("change_request_id", "revision", "name"),
)
