"""The second factor of operators, and their recovery codes."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_OPTIONS = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
}


def upgrade() -> None:
    op.create_table(
        "operator_factor",
        sa.Column("operator_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_operator_factor")),
        **_OPTIONS,
    )
    op.create_table(
        "operator_recovery",
        sa.Column("operator_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("operator_id", "hash", name=op.f("pk_operator_recovery")),
        **_OPTIONS,
    )


def downgrade() -> None:
    op.drop_table("operator_recovery")
    op.drop_table("operator_factor")
