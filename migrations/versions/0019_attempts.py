"""What decides a call's price, how it ended, and the gateways that did not take it."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_TABLES = ("cdr_answered", "cdr_failed")
_VIEW = (
    "id, setup_at, tenant_id, source_id, call_id, caller, callee, dialled, domain, account"
    ", gateway, carrier, src_ip, answered_at, ended_at, duration_ms, sip_code, sip_reason"
    ", flags, acc_ids, destination, unpriced_reason, price, sell_currency, cost, buy_currency"
)
_NEW_IN_VIEW = "routed, asserted, routing_number, trunk, direction, pdd_ms, hangup, cause, attempts"


def _columns() -> list[sa.Column]:
    return [
        sa.Column("routed", sa.String(length=64), server_default="", nullable=False),
        sa.Column("asserted", sa.String(length=64), server_default="", nullable=False),
        sa.Column("routing_number", sa.String(length=32), server_default="", nullable=False),
        sa.Column("trunk", sa.String(length=64), server_default="", nullable=False),
        sa.Column("direction", sa.String(length=8), server_default="", nullable=False),
        sa.Column("pdd_ms", sa.Integer(), nullable=True),
        sa.Column("hangup", sa.String(length=8), server_default="", nullable=False),
        sa.Column("cause", sa.SmallInteger(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
    ]


def _make_view(columns: str) -> None:
    op.execute("DROP VIEW cdr")
    op.execute(
        f"CREATE VIEW cdr AS SELECT {columns} FROM cdr_answered"  # noqa: S608
        f" UNION ALL SELECT {columns} FROM cdr_failed"
    )


def upgrade() -> None:
    for table in _TABLES:
        for column in _columns():
            op.add_column(table, column)
    op.create_table(
        "cdr_attempt",
        sa.Column("cdr_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("setup_at", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("gateway", sa.String(length=64), server_default="", nullable=False),
        sa.Column("carrier", sa.String(length=64), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sip_code", sa.SmallInteger(), nullable=False),
        sa.Column("sip_reason", sa.String(length=128), server_default="", nullable=False),
        sa.Column("first_ms", sa.Integer(), nullable=True),
        sa.Column("final_ms", sa.Integer(), nullable=True),
        sa.Column("cause", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("cdr_id", "setup_at", "n", name=op.f("pk_cdr_attempt")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
        mysql_partition_by="RANGE (setup_at) (PARTITION p_past VALUES LESS THAN (0),"
        " PARTITION p_future VALUES LESS THAN MAXVALUE)",
        postgresql_partition_by="RANGE (setup_at)",
    )
    _make_view(f"{_VIEW}, {_NEW_IN_VIEW}")


def downgrade() -> None:
    op.execute("DROP VIEW cdr")
    op.drop_table("cdr_attempt")
    for table in _TABLES:
        for column in reversed(_columns()):
            op.drop_column(table, column.name)
    op.execute(
        f"CREATE VIEW cdr AS SELECT {_VIEW} FROM cdr_answered"  # noqa: S608
        f" UNION ALL SELECT {_VIEW} FROM cdr_failed"
    )
