"""How long each kind of data stays, what went, and what is kept of it as proof."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, UniqueConstraint

from app.core.database import BigId, Instant, LongText, table, tenant_column

# Empty until an administrator has decided: until then nothing is removed.
retention = table(
    "retention",
    Column("kind", String(16), primary_key=True),
    tenant_column(),
    # null: for ever
    Column("days", Integer),
    # of a number whose end is removed, so many digits of its beginning stay
    Column("keep_digits", Integer),
    Column("changed_by", String(64), nullable=False),
    Column("changed_at", Instant, nullable=False),
)

# One row for each partition (or day, on SQLite) that went, or whose numbers did.
removal = table(
    "removal",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("kind", String(16), nullable=False),
    Column("table_name", String(64), nullable=False),
    Column("part", String(64), nullable=False),
    # set-up times: from (inclusive) to (exclusive)
    Column("first_at", Instant, nullable=False),
    Column("until_at", Instant, nullable=False),
    Column("calls", BigInteger, nullable=False, server_default="0"),
    # sealed: about to go (MariaDB drops outside of transactions); done: gone
    Column("state", String(8), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_removal_kind", "kind", "table_name", "first_at"),
)

# What calls that went had been charged, by batch and account: the ledger's entries stay.
sealed_batch = table(
    "sealed_batch",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("removal_id", BigInteger, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    UniqueConstraint("removal_id", "batch_id", "account_id"),
)

# Which of the switch's rows those calls were made of: one bit for each id of a block.
sealed_rows = table(
    "sealed_rows",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("removal_id", BigInteger, nullable=False),
    Column("source_id", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("table_name", String(64), nullable=False),
    Column("block", BigInteger, nullable=False),
    # base64
    Column("bits", LongText, nullable=False),
    UniqueConstraint("removal_id", "source_id", "epoch", "table_name", "block"),
    Index("ix_sealed_rows_source_id", "source_id", "epoch", "table_name", "block"),
)
