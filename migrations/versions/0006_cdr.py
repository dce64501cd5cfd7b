"""Call detail records, partitioned by day."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _columns() -> list[sa.Column]:
    """Both tables have the same: answered and unanswered calls are one record."""
    return [
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("setup_at", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.String(length=255), nullable=False),
        sa.Column("from_tag", sa.String(length=255), server_default="", nullable=False),
        sa.Column("to_tag", sa.String(length=255), server_default="", nullable=False),
        sa.Column("charge_id", sa.String(length=64), nullable=True),
        sa.Column("caller", sa.String(length=64), server_default="", nullable=False),
        sa.Column("callee", sa.String(length=64), server_default="", nullable=False),
        sa.Column("dialled", sa.String(length=128), server_default="", nullable=False),
        sa.Column("domain", sa.String(length=128), server_default="", nullable=False),
        sa.Column("account", sa.String(length=128), server_default="", nullable=False),
        sa.Column("gateway", sa.String(length=64), server_default="", nullable=False),
        sa.Column("carrier", sa.String(length=64), server_default="", nullable=False),
        sa.Column("src_ip", sa.String(length=45), server_default="", nullable=False),
        sa.Column("user_agent", sa.String(length=255), server_default="", nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("sip_code", sa.SmallInteger(), nullable=False),
        sa.Column("sip_class", sa.SmallInteger(), nullable=False),
        sa.Column("sip_reason", sa.String(length=128), server_default="", nullable=False),
        sa.Column("flags", sa.Integer(), server_default="0", nullable=False),
        sa.Column("acc_ids", sa.Text(), nullable=False),
        sa.Column("destination", sa.String(length=80), server_default="", nullable=False),
        sa.Column("unpriced_reason", sa.String(length=32), nullable=True),
        sa.Column("sell_account_id", sa.BigInteger(), nullable=True),
        sa.Column("sell_amount", sa.BigInteger(), nullable=True),
        sa.Column("sell_tax", sa.BigInteger(), nullable=True),
        sa.Column("sell_currency", sa.String(length=3), nullable=True),
        sa.Column("sell_version_id", sa.Integer(), nullable=True),
        sa.Column("sell_batch_id", sa.BigInteger(), nullable=True),
        sa.Column("buy_account_id", sa.BigInteger(), nullable=True),
        sa.Column("buy_amount", sa.BigInteger(), nullable=True),
        sa.Column("buy_tax", sa.BigInteger(), nullable=True),
        sa.Column("buy_currency", sa.String(length=3), nullable=True),
        sa.Column("buy_version_id", sa.Integer(), nullable=True),
        sa.Column("buy_batch_id", sa.BigInteger(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "cdr_answered",
        *_columns(),
        sa.PrimaryKeyConstraint("id", "setup_at", name=op.f("pk_cdr_answered")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        mysql_partition_by="RANGE (setup_at) (PARTITION p_past VALUES LESS THAN (0),"
        " PARTITION p_future VALUES LESS THAN MAXVALUE)",
        postgresql_partition_by="RANGE (setup_at)",
    )
    op.create_index("ix_cdr_answered_call_id", "cdr_answered", ["call_id"], unique=False)
    op.create_index(
        "ix_cdr_answered_callee", "cdr_answered", ["callee", "setup_at", "id"], unique=False
    )
    op.create_index(
        "ix_cdr_answered_caller", "cdr_answered", ["caller", "setup_at", "id"], unique=False
    )
    op.create_index(
        "ix_cdr_answered_domain", "cdr_answered", ["domain", "setup_at", "id"], unique=False
    )
    op.create_index("ix_cdr_answered_setup_at", "cdr_answered", ["setup_at", "id"], unique=False)
    op.create_index(
        "ix_cdr_answered_tenant_id", "cdr_answered", ["tenant_id", "setup_at", "id"], unique=False
    )
    op.create_table(
        "cdr_failed",
        *_columns(),
        sa.PrimaryKeyConstraint("id", "setup_at", name=op.f("pk_cdr_failed")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        mysql_partition_by="RANGE (setup_at) (PARTITION p_past VALUES LESS THAN (0),"
        " PARTITION p_future VALUES LESS THAN MAXVALUE)",
        postgresql_partition_by="RANGE (setup_at)",
    )
    op.create_index("ix_cdr_failed_call_id", "cdr_failed", ["call_id"], unique=False)
    op.create_index(
        "ix_cdr_failed_callee", "cdr_failed", ["callee", "setup_at", "id"], unique=False
    )
    op.create_index(
        "ix_cdr_failed_caller", "cdr_failed", ["caller", "setup_at", "id"], unique=False
    )
    op.create_index(
        "ix_cdr_failed_domain", "cdr_failed", ["domain", "setup_at", "id"], unique=False
    )
    op.create_index("ix_cdr_failed_setup_at", "cdr_failed", ["setup_at", "id"], unique=False)
    op.create_index(
        "ix_cdr_failed_sip_class", "cdr_failed", ["sip_class", "setup_at", "id"], unique=False
    )
    op.create_index(
        "ix_cdr_failed_tenant_id", "cdr_failed", ["tenant_id", "setup_at", "id"], unique=False
    )
    op.create_table(
        "unpriced",
        sa.Column("cdr_id", BigId, autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("setup_at", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("try_at", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("cdr_id", name=op.f("pk_unpriced")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_unpriced_account", "unpriced", ["account"], unique=False)
    op.create_index("ix_unpriced_batch_id", "unpriced", ["batch_id"], unique=False)
    op.create_index("ix_unpriced_try_at", "unpriced", ["try_at"], unique=False)
    columns = (
        "id, setup_at, tenant_id, source_id, call_id, caller, callee, dialled, domain, account"
    )
    columns += (
        ", gateway, carrier, src_ip, answered_at, ended_at, duration_ms, sip_code, sip_reason"
    )
    columns += (
        ", flags, acc_ids, destination, unpriced_reason, price, sell_currency, cost, buy_currency"
    )
    # For people with an SQL prompt: both tables as one. The panel asks each by itself.
    op.execute(
        f"CREATE VIEW cdr AS SELECT {columns} FROM cdr_answered"  # noqa: S608
        f" UNION ALL SELECT {columns} FROM cdr_failed"
    )


def downgrade() -> None:

    op.execute("DROP VIEW cdr")
    op.drop_index("ix_unpriced_try_at", table_name="unpriced")
    op.drop_index("ix_unpriced_batch_id", table_name="unpriced")
    op.drop_index("ix_unpriced_account", table_name="unpriced")
    op.drop_table("unpriced")
    op.drop_index("ix_cdr_failed_tenant_id", table_name="cdr_failed")
    op.drop_index("ix_cdr_failed_sip_class", table_name="cdr_failed")
    op.drop_index("ix_cdr_failed_setup_at", table_name="cdr_failed")
    op.drop_index("ix_cdr_failed_domain", table_name="cdr_failed")
    op.drop_index("ix_cdr_failed_caller", table_name="cdr_failed")
    op.drop_index("ix_cdr_failed_callee", table_name="cdr_failed")
    op.drop_index("ix_cdr_failed_call_id", table_name="cdr_failed")
    op.drop_table("cdr_failed")
    op.drop_index("ix_cdr_answered_tenant_id", table_name="cdr_answered")
    op.drop_index("ix_cdr_answered_setup_at", table_name="cdr_answered")
    op.drop_index("ix_cdr_answered_domain", table_name="cdr_answered")
    op.drop_index("ix_cdr_answered_caller", table_name="cdr_answered")
    op.drop_index("ix_cdr_answered_callee", table_name="cdr_answered")
    op.drop_index("ix_cdr_answered_call_id", table_name="cdr_answered")
    op.drop_table("cdr_answered")
