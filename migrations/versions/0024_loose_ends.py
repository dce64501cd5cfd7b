"""The last gateway's own delays; dialogs that only a node's memory holds; suspense without numbers.

Delays of a gateway that others were tried before stand on the CDR.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_TABLES = ("cdr_answered", "cdr_failed")
_COLUMNS = ("first_ms", "final_ms")


def upgrade() -> None:
    for table in _TABLES:
        for column in _COLUMNS:
            op.add_column(table, sa.Column(column, sa.Integer(), nullable=True))
    op.add_column("suspense", sa.Column("numbers_removed_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "dialog_seen", sa.Column("node", sa.String(length=64), server_default="", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("dialog_seen", "node")
    op.drop_column("suspense", "numbers_removed_at")
    for table in _TABLES:
        for column in reversed(_COLUMNS):
            op.drop_column(table, column)
