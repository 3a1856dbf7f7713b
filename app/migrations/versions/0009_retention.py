"""What is kept only for a while; and which process holds a key that is in flight."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from policies.columns import UtcDateTime

revision = "0009"
down_revision = "0008"

REFUSED = "the audit is append-only"
PURGED = "(SELECT COALESCE(MAX(sequence), 0) FROM audit_checkpoints WHERE purged)"


def upgrade() -> None:
    op.create_table(
        "retention",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("purged_at", UtcDateTime(), nullable=True),
        sa.Column("untold", sa.BigInteger(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("kind"),
    )
    op.create_table(
        "events_gone",
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("customer"),
    )
    op.add_column("idempotency_claims", sa.Column("executor", sa.String(length=40), nullable=True))
    _partial_index("idempotency_claims_in_flight", "idempotency_claims", "executor", "state = 'inFlight'")
    _partial_index("audit_checkpoints_purged", "audit_checkpoints", "sequence", "purged")
    server = op.get_bind().dialect.name == "postgresql"
    _checkpoints_go(server=server)
    _lines_outlive_operations(server=server)


def _partial_index(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], unique=False, sqlite_where=where, postgresql_where=where)


def _checkpoints_go(*, server: bool) -> None:
    """Those before the last purge, as the entries that they were about."""
    if not server:
        op.execute("DROP TRIGGER audit_checkpoints_never_deleted")
        op.execute(
            "CREATE TRIGGER audit_checkpoints_never_deleted BEFORE DELETE ON audit_checkpoints "
            f"WHEN OLD.sequence >= {PURGED} BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION audit_refuse_last() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF OLD.sequence >= {PURGED} THEN RAISE EXCEPTION '{REFUSED}'; END IF; RETURN OLD; END $$"
    )
    op.execute("DROP TRIGGER audit_checkpoints_never_deleted ON audit_checkpoints")
    op.execute(
        "CREATE TRIGGER audit_checkpoints_never_deleted BEFORE DELETE ON audit_checkpoints "
        "FOR EACH ROW EXECUTE FUNCTION audit_refuse_last()"
    )


def _lines_outlive_operations(*, server: bool) -> None:
    if server:
        op.drop_constraint("converted_lines_operation_id_fkey", "converted_lines", type_="foreignkey")
        return
    columns = "quote_id, quote_version, line_id, operation_id"
    op.create_table(
        "converted_lines_kept",
        sa.Column("quote_id", sa.String(length=64), nullable=False),
        sa.Column("quote_version", sa.String(length=64), nullable=False),
        sa.Column("line_id", sa.String(length=64), nullable=False),
        sa.Column("operation_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("quote_id", "quote_version", "line_id"),
    )
    op.execute(f"INSERT INTO converted_lines_kept ({columns}) SELECT {columns} FROM converted_lines")  # noqa: S608  ours
    op.drop_table("converted_lines")
    op.rename_table("converted_lines_kept", "converted_lines")
    op.create_index("ix_converted_lines_operation_id", "converted_lines", ["operation_id"], unique=False)
    op.create_index("converted_lines_once", "converted_lines", ["quote_id", "line_id"], unique=True)


def downgrade() -> None:
    """Lines of operations that are gone keep others from ordering twice: the foreign key does not come back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_checkpoints_never_deleted ON audit_checkpoints")
        op.execute(
            "CREATE TRIGGER audit_checkpoints_never_deleted BEFORE DELETE ON audit_checkpoints "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        )
        op.execute("DROP FUNCTION audit_refuse_last()")
    else:
        op.execute("DROP TRIGGER audit_checkpoints_never_deleted")
        op.execute(
            "CREATE TRIGGER audit_checkpoints_never_deleted BEFORE DELETE ON audit_checkpoints "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
    op.drop_index("audit_checkpoints_purged", "audit_checkpoints")
    op.drop_index("idempotency_claims_in_flight", "idempotency_claims")
    op.drop_column("idempotency_claims", "executor")
    op.drop_table("events_gone")
    op.drop_table("retention")
