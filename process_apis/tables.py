"""The rows of the processes. `app/database.py` makes the engine, numbered migrations make these tables."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from policies.columns import UtcDateTime

metadata = MetaData()

operations = Table(
    "operations",
    metadata,
    Column("operation_id", String(40), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("state", String(32), nullable=False),
    Column("waiting_system", String(64)),  # the neighbour that is down, beside the state
    Column("waiting_instance", String(255)),
    Column("waiting_since", UtcDateTime),
    Column("waiting_reason", String(32)),
    Column("waiting_until", UtcDateTime),  # the end of a maintenance window
    Column("retry_at", UtcDateTime),
    Column("revision", Integer, nullable=False),
    Column("executor", String(64)),  # which execution, in which process, owns the next write to a neighbour
    Column("run", Integer, nullable=False, default=1),  # raised by whoever has the operation run anew
    Column("takeovers", Integer, nullable=False, default=0),  # processes that died over the step that is under way
    Column("client_id", String(255), nullable=False),
    Column("customer", String(64), nullable=False),
    Column("quote_id", String(64), nullable=False),
    Column("quote_version", String(64), nullable=False),
    Column("quote_source", String(16), nullable=False, default="crm"),  # crm, or inline: it came with the call
    Column("terms", Text, nullable=False),  # JSON: the request and the quote as they stood when we said 202
    Column("lines", Text, nullable=False),  # JSON
    Column("order_instance", String(64)),
    Column("order_number", String(64)),
    Column("decide_by", UtcDateTime),
    Column("decision", String(16)),
    Column("promise", Text),  # JSON: what was promised before, against what came of it
    Column("correlation_id", String(128), nullable=False),
    Column("traceparent", String(55)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("operations_by_customer", "customer", "operation_id"),
    Index("operations_by_state", "state", "updated_at"),
    Index("operations_by_order", "order_instance", "order_number"),
    Index(
        "operations_waiting",
        "waiting_instance",
        "waiting_since",
        sqlite_where=text("waiting_instance IS NOT NULL"),
        postgresql_where=text("waiting_instance IS NOT NULL"),
    ),
)

executors = Table(
    "executors",
    metadata,
    Column("executor_id", String(40), primary_key=True),
    Column("lock_key", BigInteger, nullable=False),  # of the advisory lock that it holds for as long as it lives
    Column("host", String(255), nullable=False),
    Column("process_id", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),  # by the store's clock
    Column("left_at", UtcDateTime),  # it went in peace: what it leaves behind is nobody's fault
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
    Column("unknowns", Integer, nullable=False, default=0),  # so many writes of it were never answered
    Column("state", String(32)),  # of the operation, while the step was at work: where a later run goes on
    Column("run", Integer, nullable=False, default=1),  # which run of the operation did it last
    Column("number", Integer),  # and as which of its steps: a loop does one of the same name again
    Column("result", Text),  # JSON: what came of it, for a later run; null where it has to be done again
    Column("stated", Text),  # JSON: what an operator found out about its outcome
    PrimaryKeyConstraint("operation_id", "name"),
)

converted_lines = Table(
    "converted_lines",
    metadata,
    Column("quote_id", String(64), nullable=False),
    Column("quote_version", String(64), nullable=False),
    Column("line_id", String(64), nullable=False),
    # no foreign key: a line stays taken when its operation is long forgotten
    Column("operation_id", String(40), nullable=False, index=True),
    PrimaryKeyConstraint("quote_id", "quote_version", "line_id"),
    # a quote line becomes an order item once, whatever revision the quote is raised to
    Index("converted_lines_once", "quote_id", "line_id", unique=True),
)

exceptions = Table(
    "exceptions",
    metadata,
    Column("exception_id", String(40), primary_key=True),
    # what it is about: an operation or a change request
    Column("subject_kind", String(32), nullable=False),
    Column("subject_id", String(40), nullable=False),
    Column("position", Integer, nullable=False),  # within the subject, in the order of opening
    Column("order_id", String(128)),
    Column("customer", String(64), nullable=False),
    Column("plant", String(64)),
    Column("line_id", String(64)),
    Column("code", String(64), nullable=False),
    Column("category", String(32), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("step", String(64), nullable=False),
    Column("system", String(64), nullable=False),
    Column("instance", String(255), nullable=False),
    Column("source_code", String(255)),
    Column("source_text", Text),
    Column("retryable", Boolean, nullable=False),
    Column("blocking", Boolean, nullable=False),
    Column("owner", String(32), nullable=False),
    Column("detail", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", String(255)),
    Column("ended_at", UtcDateTime),
    Column("ended_by", String(255)),  # the client of the person, `system` where the cause went away
    Column("reason", Text),
    Column("correlation_id", String(128), nullable=False),
    Column("traceparent", String(55)),
    Index("exceptions_by_subject", "subject_id", "position"),
    Index("exceptions_by_state", "state", "due_at"),
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

events_gone = Table(
    "events_gone",
    metadata,
    Column("customer", String(64), primary_key=True),
    Column("sequence", BigInteger, nullable=False),  # of the last event about this customer that is not kept any more
    Column("event_id", String(40), nullable=False),  # no id of a forgotten one sorts behind this
)
