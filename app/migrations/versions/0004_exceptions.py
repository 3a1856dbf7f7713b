"""Exceptions in rows of their own, whom an operation waits for in columns, and what a later run needs of the steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from policies.columns import UtcDateTime

revision = "0004"
down_revision = "0003"

_BESIDE = ("operations", "change_requests")


def upgrade() -> None:
    for table in _BESIDE:
        op.drop_column(table, "waiting_for")
        op.drop_column(table, "exceptions")
        op.add_column(table, sa.Column("waiting_system", sa.String(length=64), nullable=True))
        op.add_column(table, sa.Column("waiting_instance", sa.String(length=255), nullable=True))
        op.add_column(table, sa.Column("waiting_since", UtcDateTime(), nullable=True))
    op.add_column("operation_steps", sa.Column("unknowns", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("operation_steps", sa.Column("state", sa.String(length=32), nullable=True))
    op.add_column("operation_steps", sa.Column("run", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("operation_steps", sa.Column("result", sa.Text(), nullable=True))
    op.add_column("operation_steps", sa.Column("stated", sa.Text(), nullable=True))
    op.create_table(
        "change_steps",
        sa.Column("change_request_id", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["change_request_id"], ["change_requests.change_request_id"]),
        sa.PrimaryKeyConstraint("change_request_id", "revision", "name"),
    )
    _create_exceptions()


def _create_exceptions() -> None:
    op.create_table(
        "exceptions",
        sa.Column("exception_id", sa.String(length=40), nullable=False),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.String(length=128), nullable=True),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("plant", sa.String(length=64), nullable=True),
        sa.Column("line_id", sa.String(length=64), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("instance", sa.String(length=255), nullable=False),
        sa.Column("source_code", sa.String(length=255), nullable=True),
        sa.Column("source_text", sa.Text(), nullable=True),
        sa.Column("retryable", sa.Boolean(), nullable=False),
        sa.Column("blocking", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=255), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.String(length=128), nullable=False),
        sa.Column("traceparent", sa.String(length=55), nullable=True),
        sa.PrimaryKeyConstraint("exception_id"),
    )
    op.create_index("exceptions_by_subject", "exceptions", ["subject_id", "position"], unique=False)
    op.create_index("exceptions_by_state", "exceptions", ["state", "due_at"], unique=False)


def downgrade() -> None:
    op.drop_table("exceptions")
    op.drop_table("change_steps")
    for column in ("stated", "result", "run", "state", "unknowns"):
        op.drop_column("operation_steps", column)
    for table in _BESIDE:
        for column in ("waiting_since", "waiting_instance", "waiting_system"):
            op.drop_column(table, column)
        op.add_column(table, sa.Column("exceptions", sa.Text(), nullable=False, server_default="[]"))
        op.add_column(table, sa.Column("waiting_for", sa.Text(), nullable=True))
