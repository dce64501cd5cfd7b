"""Who operators are to an OpenID Connect provider, and what it said of their second factor."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_OPTIONS = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
}


def upgrade() -> None:
    op.add_column(
        "operator_session",
        sa.Column("vouched", sa.Boolean(), server_default="0", nullable=False),
    )
    op.create_table(
        "operator_identity",
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.Column("made", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_operator_identity")),
        **_OPTIONS,
    )
    op.create_index(
        "ix_operator_identity_operator_id",
        "operator_identity",
        ["operator_id", "issuer"],
        unique=True,
    )


def downgrade() -> None:
    op.drop_table("operator_identity")
    op.drop_column("operator_session", "vouched")
