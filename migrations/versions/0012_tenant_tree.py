"""Tenants beneath tenants: a reseller's customers."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("tenant", sa.Column("parent_id", sa.Integer(), nullable=True))
    op.create_index("ix_tenant_parent_id", "tenant", ["parent_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_tenant_parent_id", table_name="tenant")
    op.drop_column("tenant", "parent_id")
