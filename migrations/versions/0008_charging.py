"""Charging sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "charging_session",
        sa.Column("id", BigId, nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("charge_id", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=64), server_default="", nullable=False),
        sa.Column("call_id", sa.String(length=255), nullable=False),
        sa.Column("tag", sa.String(length=64), server_default="", nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("destination", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("setup_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("stopped_at", sa.BigInteger(), nullable=True),
        sa.Column("usage_ms", sa.BigInteger(), nullable=True),
        sa.Column("granted_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("dialog_id", sa.BigInteger(), nullable=True),
        sa.Column("dialog_entry", sa.BigInteger(), nullable=True),
        sa.Column("disconnect_cause", sa.String(length=64), server_default="", nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=True),
        sa.Column("cdr_id", sa.BigInteger(), nullable=True),
        sa.Column("cdr_setup_at", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charging_session")),
        sa.UniqueConstraint("charge_id", name=op.f("uq_charging_session_charge_id")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index(
        "ix_charging_session_account_id", "charging_session", ["account_id", "state"], unique=False
    )
    op.create_index("ix_charging_session_call_id", "charging_session", ["call_id"], unique=False)
    op.create_index(
        "ix_charging_session_state", "charging_session", ["state", "stopped_at"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_charging_session_state", table_name="charging_session")
    op.drop_index("ix_charging_session_call_id", table_name="charging_session")
    op.drop_index("ix_charging_session_account_id", table_name="charging_session")
    op.drop_table("charging_session")
