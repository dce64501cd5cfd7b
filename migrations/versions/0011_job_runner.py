"""Jobs that a worker takes up: who asked, for what, how far, and who works on it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0011"
down_revision = "0010"

LongText = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    op.add_column("job", sa.Column("operator_id", sa.BigInteger(), nullable=True))
    op.add_column("job", sa.Column("task", LongText, nullable=True))
    op.add_column("job", sa.Column("place", LongText, nullable=True))
    op.add_column("job", sa.Column("cancel_at", sa.BigInteger(), nullable=True))
    op.add_column("job", sa.Column("until", sa.BigInteger(), nullable=True))
    op.add_column("job", sa.Column("token", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("job", sa.Column("tries", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    for name in ("tries", "token", "until", "cancel_at", "place", "task", "operator_id"):
        op.drop_column("job", name)
