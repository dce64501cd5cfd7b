"""The audit is a chain of hashes, with the fields before and after a deed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0013"
down_revision = "0012"

LongText = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
COLUMNS = (
    ("seq", sa.BigInteger()),
    ("before", LongText),
    ("after", LongText),
    ("address", sa.String(length=64)),
    ("session", sa.String(length=16)),
    ("hash", sa.String(length=64)),
)


def upgrade() -> None:
    for name, kind in COLUMNS:
        op.add_column("audit", sa.Column(name, kind, nullable=True))
    op.create_index("ix_audit_seq", "audit", ["seq"], unique=True)
    op.create_index("ix_audit_actor", "audit", ["actor", "id"], unique=False)
    op.create_index("ix_audit_object", "audit", ["object", "id"], unique=False)
    op.create_index("ix_audit_tenant_id", "audit", ["tenant_id", "id"], unique=False)
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.bulk_insert(head, [{"id": 1, "tenant_id": 1, "seq": 0, "hash": "0" * 64}])


def downgrade() -> None:
    op.drop_table("audit_head")
    for name in ("tenant_id", "object", "actor", "seq"):
        op.drop_index(f"ix_audit_{name}", table_name="audit")
    for name, _ in reversed(COLUMNS):
        op.drop_column("audit", name)
