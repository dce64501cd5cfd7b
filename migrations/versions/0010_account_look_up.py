"""Accounts are looked up by code and by name, whatever their tenant."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_index("ix_account_code", "account", ["code"], unique=False)
    op.create_index("ix_account_name", "account", ["name"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_account_name", table_name="account")
    op.drop_index("ix_account_code", table_name="account")
