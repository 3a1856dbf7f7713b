"""Clients and API keys made at runtime, and the number that moves with each change of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from policies.columns import UtcDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "credential_revision",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", number, nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
    op.execute("INSERT INTO credential_revision (one, value) VALUES (1, 0)")
    op.create_table(
        "clients",
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("revision", number, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
    )
    op.create_index("clients_by_revision", "clients", ["revision"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("pepper", sa.String(length=16), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("revision", number, nullable=False),
        sa.PrimaryKeyConstraint("key_id"),
    )
    op.create_index("api_keys_by_client", "api_keys", ["client_id", "key_id"], unique=False)
    op.create_index("api_keys_by_revision", "api_keys", ["revision"], unique=False)
    op.create_table(
        "api_key_uses",
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.key_id"]),
        sa.PrimaryKeyConstraint("key_id"),
    )


def downgrade() -> None:
    op.drop_table("api_key_uses")
    op.drop_table("api_keys")
    op.drop_table("clients")
    op.drop_table("credential_revision")
