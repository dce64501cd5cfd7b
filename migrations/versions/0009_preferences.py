"""How operators want to see things: their locale, and what they chose on lists."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0009"
down_revision = "0008"

LongText = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    op.add_column(
        "operator",
        sa.Column("locale", sa.String(length=16), server_default="en-GB", nullable=False),
    )
    op.create_table(
        "operator_preference",
        sa.Column("operator_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("value", LongText, nullable=False),
        sa.PrimaryKeyConstraint("operator_id", "name", name=op.f("pk_operator_preference")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    op.drop_table("operator_preference")
    op.drop_column("operator", "locale")
