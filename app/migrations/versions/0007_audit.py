"""Audit, who calls which version, and what a kept answer is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from policies.columns import UtcDateTime

revision = "0007"
down_revision = "0006"

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NEVER_CHANGED = ("audit_entries", "audit_checkpoints")
REFUSED = "the audit is append-only"
PURGED = "(SELECT COALESCE(MAX(sequence), 0) FROM audit_checkpoints WHERE purged)"


def upgrade() -> None:
    _tables()
    op.execute(sa.text("INSERT INTO audit_head (one, sequence, seal) VALUES (1, 0, :start)").bindparams(start="0" * 64))
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _tables() -> None:
    op.add_column("idempotency_claims", sa.Column("subject", sa.String(length=128), nullable=True))
    op.create_table(
        "audit_entries",
        sa.Column("sequence", SEQUENCE, autoincrement=False, nullable=False),
        sa.Column("chain", sa.String(length=128), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("act", sa.String(length=200), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("credential", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("order_id", sa.String(length=128), nullable=True),
        sa.Column("customer_po", sa.String(length=64), nullable=True),
        sa.Column("customer", sa.String(length=64), nullable=True),
        sa.Column("correlation_id", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("documents", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
        sa.UniqueConstraint("chain", "position", name="audit_chain_never_forks"),
    )
    for name, columns in (
        ("audit_by_order", ["order_id", "sequence"]),
        ("audit_by_subject", ["subject", "sequence"]),
        ("audit_by_po", ["customer_po", "sequence"]),
        ("audit_by_client", ["client_id", "sequence"]),
        ("audit_by_time", ["at"]),
    ):
        op.create_index(name, "audit_entries", columns, unique=False)
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", SEQUENCE, nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("sequence", SEQUENCE, autoincrement=False, nullable=False),
        sa.Column("purged", sa.Boolean(), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", "purged"),
    )

    op.create_table(
        "version_usage",
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("operation", sa.String(length=200), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "operation", "day"),
    )
    op.create_index("version_usage_by_day", "version_usage", ["day"], unique=False)


def _guard_sqlite() -> None:
    for table in NEVER_CHANGED:
        op.execute(
            f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
    op.execute(
        "CREATE TRIGGER audit_entries_never_deleted BEFORE DELETE ON audit_entries "
        f"WHEN OLD.sequence > {PURGED} BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    )
    for table in ("audit_checkpoints", "audit_head"):
        op.execute(
            f"CREATE TRIGGER {table}_never_deleted BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
    )
    op.execute(
        "CREATE FUNCTION audit_refuse_unpurged() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF OLD.sequence > {PURGED} THEN RAISE EXCEPTION '{REFUSED}'; END IF; RETURN OLD; END $$"
    )
    for table in NEVER_CHANGED:
        op.execute(
            f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        )
    op.execute(
        "CREATE TRIGGER audit_entries_never_deleted BEFORE DELETE ON audit_entries "
        "FOR EACH ROW EXECUTE FUNCTION audit_refuse_unpurged()"
    )
    for table in ("audit_checkpoints", "audit_head"):
        op.execute(
            f"CREATE TRIGGER {table}_never_deleted BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        )
    for table in ("audit_entries", "audit_checkpoints", "audit_head"):
        op.execute(
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        )


def downgrade() -> None:
    for table in ("version_usage", "audit_checkpoints", "audit_head", "audit_entries"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_refuse()")
        op.execute("DROP FUNCTION audit_refuse_unpurged()")
    op.drop_column("idempotency_claims", "subject")
