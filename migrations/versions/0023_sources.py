"""Several sources: what the worker met at each, and rules that put its numbers right."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column("source", sa.Column("looked_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "source", sa.Column("versions", sa.String(length=64), server_default="", nullable=False)
    )
    op.add_column("source", sa.Column("waiting", sa.BigInteger(), nullable=True))
    op.add_column(
        "source", sa.Column("problem", sa.String(length=255), server_default="", nullable=False)
    )
    op.create_table(
        "number_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(length=128), server_default="", nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("prefix", sa.String(length=32), server_default="", nullable=False),
        sa.Column("least", sa.Integer(), nullable=True),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("strip", sa.Integer(), nullable=True),
        sa.Column("add", sa.String(length=32), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_rule")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_number_rule_source_id", "number_rule", ["source_id", "place"])


def downgrade() -> None:
    op.drop_table("number_rule")
    for name in ("problem", "waiting", "versions", "looked_at"):
        op.drop_column("source", name)
