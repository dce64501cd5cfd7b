"""Who pays, in an order that the operator sets; the numbers that we own."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_OPTIONS = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
}


def upgrade() -> None:
    op.create_table(
        "payer_way",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("way", sa.String(length=12), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payer_way")),
        sa.UniqueConstraint("way", name=op.f("uq_payer_way_way")),
        **_OPTIONS,
    )
    op.create_table(
        "payer_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("way", sa.String(length=12), nullable=False),
        sa.Column("pattern", sa.String(length=190), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("trunk", sa.String(length=64), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payer_rule")),
        sa.UniqueConstraint("way", "pattern", name=op.f("uq_payer_rule_way_pattern")),
        **_OPTIONS,
    )
    op.create_table(
        "own_number",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("carrier", sa.String(length=64), server_default="", nullable=False),
        sa.Column("rental", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), server_default="", nullable=False),
        sa.Column("valid_from", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("valid_till", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_number")),
        sa.UniqueConstraint("number", "valid_from", name=op.f("uq_own_number_number_valid_from")),
        **_OPTIONS,
    )
    op.create_index("ix_own_number_tenant_id", "own_number", ["tenant_id", "number"])


def downgrade() -> None:
    op.drop_table("own_number")
    op.drop_table("payer_rule")
    op.drop_table("payer_way")
