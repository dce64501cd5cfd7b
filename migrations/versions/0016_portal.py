"""Subscribers' own pages, tenants' logos, and an index for the calls of an account."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_OPTIONS = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
}
_TABLES = ("cdr_answered", "cdr_failed")


def upgrade() -> None:
    op.create_table(
        "portal_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("address", sa.String(length=128), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("invite_hash", sa.String(length=64), nullable=True),
        sa.Column("invite_ends", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_user")),
        sa.UniqueConstraint("address", name=op.f("uq_portal_user_address")),
        sa.UniqueConstraint("invite_hash", name=op.f("uq_portal_user_invite_hash")),
        **_OPTIONS,
    )
    op.create_table(
        "portal_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_portal_session")),
        **_OPTIONS,
    )
    op.create_index("ix_portal_session_user_id", "portal_session", ["user_id"])
    op.create_table(
        "tenant_logo",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("png", sa.LargeBinary(length=65_535), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenant_logo")),
        **_OPTIONS,
    )
    op.create_index("ix_tenant_logo_digest", "tenant_logo", ["digest"])
    for table in _TABLES:
        op.create_index(f"ix_{table}_account", table, ["account", "setup_at", "id"])


def downgrade() -> None:
    for table in _TABLES:
        op.drop_index(f"ix_{table}_account", table_name=table)
    op.drop_table("tenant_logo")
    op.drop_table("portal_session")
    op.drop_table("portal_user")
