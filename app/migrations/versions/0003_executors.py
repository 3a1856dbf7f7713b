"""The running engines, and which run of an operation is the one that counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from policies.columns import UtcDateTime

revision = "0003"
down_revision = "0002"

_RUN_BY_THE_ENGINE = ("operations", "change_requests")


def upgrade() -> None:
    op.create_table(
        "executors",
        sa.Column("executor_id", sa.String(length=40), nullable=False),
        sa.Column("lock_key", sa.BigInteger(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("executor_id"),
    )
    for table in _RUN_BY_THE_ENGINE:
        op.add_column(table, sa.Column("run", sa.Integer(), nullable=False, server_default="1"))
        op.add_column(table, sa.Column("takeovers", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("operation_steps", sa.Column("number", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("operation_steps", "number")
    for table in _RUN_BY_THE_ENGINE:
        op.drop_column(table, "takeovers")
        op.drop_column(table, "run")
    op.drop_table("executors")
