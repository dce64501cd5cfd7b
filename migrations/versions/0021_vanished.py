"""Dialogs as the switch's table showed them: those that end without a row of acc are told."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "dialog_seen",
        sa.Column("id", BigId, nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("dlg_id", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.String(length=255), nullable=False),
        sa.Column("from_tag", sa.String(length=255), nullable=False),
        sa.Column("caller", sa.String(length=255), nullable=False),
        sa.Column("callee", sa.String(length=255), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialog_seen")),
        sa.UniqueConstraint(
            "source_id", "dlg_id", "start_at", name=op.f("uq_dialog_seen_source_id_dlg_id_start_at")
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_dialog_seen_state", "dialog_seen", ["state", "seen_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_dialog_seen_state", table_name="dialog_seen")
    op.drop_table("dialog_seen")
