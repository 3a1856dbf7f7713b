"""Change requests, and our own part of an order's version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from policies.columns import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "order_revisions",
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_table(
        "change_requests",
        sa.Column("change_request_id", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.String(length=80), nullable=False),
        sa.Column("open_order_id", sa.String(length=80), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("waiting_for", sa.Text(), nullable=True),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("executor", sa.String(length=64), nullable=True),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("wish", sa.Text(), nullable=False),
        sa.Column("based_on", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("conflicts", sa.Text(), nullable=False),
        sa.Column("exceptions", sa.Text(), nullable=False),
        sa.Column("decision", sa.String(length=32), nullable=True),
        sa.Column("correlation_id", sa.String(length=128), nullable=False),
        sa.Column("traceparent", sa.String(length=55), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("change_request_id"),
        sa.UniqueConstraint("open_order_id"),
    )
    op.create_index("change_requests_by_order", "change_requests", ["order_id", "change_request_id"], unique=False)
    op.create_index("change_requests_by_state", "change_requests", ["state", "updated_at"], unique=False)


def downgrade() -> None:
    op.drop_table("change_requests")
    op.drop_table("order_revisions")
