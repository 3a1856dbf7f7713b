"""Maintenance windows beside what is waited for, where a quote came from, what was promised, one claim per line."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from policies.columns import UtcDateTime

revision = "0005"
down_revision = "0004"

_WAITING = ("operations", "change_requests")


def upgrade() -> None:
    for table in _WAITING:
        op.add_column(table, sa.Column("waiting_reason", sa.String(length=32), nullable=True))
        op.add_column(table, sa.Column("waiting_until", UtcDateTime(), nullable=True))
    op.add_column("operations", sa.Column("quote_source", sa.String(length=16), nullable=False, server_default="crm"))
    op.add_column("operations", sa.Column("promise", sa.Text(), nullable=True))
    waits = sa.text("waiting_instance IS NOT NULL")
    op.create_index(
        "operations_waiting",
        "operations",
        ["waiting_instance", "waiting_since"],
        unique=False,
        sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_index("converted_lines_once", "converted_lines", ["quote_id", "line_id"], unique=True)


def downgrade() -> None:
    op.drop_index("converted_lines_once", "converted_lines")
    op.drop_index("operations_waiting", "operations")
    op.drop_column("operations", "promise")
    op.drop_column("operations", "quote_source")
    for table in _WAITING:
        op.drop_column(table, "waiting_until")
        op.drop_column(table, "waiting_reason")
