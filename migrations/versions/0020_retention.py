"""How long data stays, what went, and what is kept of it as proof."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0020"
down_revision = "0019"

_OURS = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
}
_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LONG = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def _tenant() -> sa.Column:
    return sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False)


def upgrade() -> None:
    op.create_table(
        "retention",
        sa.Column("kind", sa.String(length=16), nullable=False),
        _tenant(),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("keep_digits", sa.Integer(), nullable=True),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_retention")),
        **_OURS,
    )
    op.create_table(
        "removal",
        sa.Column("id", _BIG_ID, nullable=False),
        _tenant(),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removal")),
        **_OURS,
    )
    op.create_index("ix_removal_kind", "removal", ["kind", "table_name", "first_at"])
    op.create_table(
        "sealed_batch",
        sa.Column("id", _BIG_ID, nullable=False),
        _tenant(),
        sa.Column("removal_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealed_batch")),
        sa.UniqueConstraint(
            "removal_id",
            "batch_id",
            "account_id",
            name=op.f("uq_sealed_batch_removal_id_batch_id_account_id"),
        ),
        **_OURS,
    )
    op.create_table(
        "sealed_rows",
        sa.Column("id", _BIG_ID, nullable=False),
        _tenant(),
        sa.Column("removal_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("bits", _LONG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealed_rows")),
        sa.UniqueConstraint(
            "removal_id",
            "source_id",
            "epoch",
            "table_name",
            "block",
            name=op.f("uq_sealed_rows_removal_id_source_id_epoch_table_name_block"),
        ),
        **_OURS,
    )
    op.create_index(
        "ix_sealed_rows_source_id", "sealed_rows", ["source_id", "epoch", "table_name", "block"]
    )
    op.create_index("ix_charge_cdr_setup_at", "charge", ["cdr_setup_at"])


def downgrade() -> None:
    op.drop_index("ix_charge_cdr_setup_at", "charge")
    for table in ("sealed_rows", "sealed_batch", "removal", "retention"):
        op.drop_table(table)
