"""Nodes, change sets and pushes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0007"
down_revision = "0006"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LongText = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "change_row",
        sa.Column("id", BigId, nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("change_set_id", BigId, nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("row_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("before", LongText, nullable=True),
        sa.Column("after", LongText, nullable=True),
        sa.Column("above_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_row")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_change_row_change_set_id", "change_row", ["change_set_id"], unique=False)
    op.create_index("ix_change_row_row", "change_row", ["table_name", "row_id"], unique=False)
    op.create_table(
        "change_set",
        sa.Column("id", BigId, nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("tool", sa.String(length=40), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("comment", sa.String(length=255), server_default="", nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("problem", sa.String(length=255), server_default="", nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_set")),
        sa.UniqueConstraint("reference", name=op.f("uq_change_set_reference")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_change_set_state", "change_set", ["state"], unique=False)
    op.create_table(
        "node",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("mi_url", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="unknown", nullable=False),
        sa.Column("version", sa.String(length=80), server_default="", nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.String(length=255), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node")),
        sa.UniqueConstraint("name", name=op.f("uq_node_name")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "push",
        sa.Column("id", BigId, nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("change_set_id", BigId, nullable=False),
        sa.Column("node_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("level", sa.String(length=12), server_default="", nullable=False),
        sa.Column("evidence", LongText, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.String(length=255), server_default="", nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("pushed_at", sa.BigInteger(), nullable=True),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push")),
        sa.UniqueConstraint("change_set_id", "node_id", name=op.f("uq_push_change_set_id_node_id")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_push_state", "push", ["state", "next_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_push_state", table_name="push")
    op.drop_table("push")
    op.drop_table("node")
    op.drop_index("ix_change_set_state", table_name="change_set")
    op.drop_table("change_set")
    op.drop_index("ix_change_row_row", table_name="change_row")
    op.drop_index("ix_change_row_change_set_id", table_name="change_row")
    op.drop_table("change_row")
