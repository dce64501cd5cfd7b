"""Sources, reading positions, open calls and suspense."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0005"
down_revision = "0004"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LongText = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "open_call",
        sa.Column("id", BigId, nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("acc_id", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.String(length=255), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("row", LongText, nullable=False),
        sa.Column("cdr_id", sa.BigInteger(), nullable=True),
        sa.Column("cdr_setup_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_open_call")),
        sa.UniqueConstraint(
            "source_id",
            "epoch",
            "table_name",
            "acc_id",
            name=op.f("uq_open_call_source_id_epoch_table_name_acc_id"),
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_open_call_call_id", "open_call", ["call_id"], unique=False)
    op.create_index("ix_open_call_seen_at", "open_call", ["seen_at"], unique=False)
    op.create_table(
        "reading_position",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=8), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="1", nullable=False),
        sa.Column("until_id", sa.BigInteger(), nullable=True),
        sa.Column("settled_id", sa.BigInteger(), nullable=False),
        sa.Column("high_id", sa.BigInteger(), nullable=False),
        sa.Column("gaps", LongText, nullable=False),
        sa.Column("skipped_ids", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_position")),
        sa.UniqueConstraint(
            "source_id",
            "table_name",
            "epoch",
            "part",
            name=op.f("uq_reading_position_source_id_table_name_epoch_part"),
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=4), server_default="", nullable=False),
        sa.Column("trunk_prefix", sa.String(length=4), server_default="", nullable=False),
        sa.Column("columns", LongText, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("name", name=op.f("uq_source_name")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "suspense",
        sa.Column("id", BigId, nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("acc_id", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.String(length=255), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=255), server_default="", nullable=False),
        sa.Column("row", LongText, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspense")),
        sa.UniqueConstraint(
            "source_id",
            "epoch",
            "table_name",
            "acc_id",
            name=op.f("uq_suspense_source_id_epoch_table_name_acc_id"),
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_suspense_call_id", "suspense", ["call_id"], unique=False)
    op.create_index("ix_suspense_reason", "suspense", ["reason", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_suspense_reason", table_name="suspense")
    op.drop_index("ix_suspense_call_id", table_name="suspense")
    op.drop_table("suspense")
    op.drop_table("source")
    op.drop_table("reading_position")
    op.drop_index("ix_open_call_seen_at", table_name="open_call")
    op.drop_index("ix_open_call_call_id", table_name="open_call")
    op.drop_table("open_call")
