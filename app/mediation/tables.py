"""Where rows come from, how far we have read, and what is not (yet) a call."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, UniqueConstraint

from app.core.database import BigId, Instant, LongText, identifier, table, tenant_column

source = table(
    "source",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    Column("name", String(64), nullable=False, unique=True),
    Column("zone", String(64), nullable=False),
    Column("country", String(4), nullable=False, server_default=""),
    Column("trunk_prefix", String(4), nullable=False, server_default=""),
    # JSON: which acc column holds caller, callee, account…; absent ones are guessed by name
    Column("columns", LongText),
    Column("created_at", Instant, nullable=False),
)

reading_position = table(
    "reading_position",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    Column("source_id", Integer, nullable=False),
    Column("table_name", String(64), nullable=False),
    # live, or backlog: the rows that stood in the table when the panel first saw it
    Column("part", String(8), nullable=False),
    Column("epoch", Integer, nullable=False, server_default="1"),
    # the backlog ends at this id; live reading has no end
    Column("until_id", BigInteger),
    # every id up to here is settled
    Column("settled_id", BigInteger, nullable=False),
    # every id from settled_id to here is seen, but for the gaps
    Column("high_id", BigInteger, nullable=False),
    # JSON: [[first id, last id, first missed at], …]
    Column("gaps", LongText, nullable=False),
    Column("skipped_ids", BigInteger, nullable=False, server_default="0"),
    # moves with every write: the compare-and-swap that makes reading exactly once
    Column("version", BigInteger, nullable=False, server_default="0"),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("source_id", "table_name", "epoch", "part"),
)

open_call = table(
    "open_call",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("source_id", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("table_name", String(64), nullable=False),
    Column("acc_id", BigInteger, nullable=False),
    identifier("call_id", nullable=False),
    Column("at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("row", LongText, nullable=False),
    # set when the row became a CDR of its own before its call's main row was seen
    Column("cdr_id", BigInteger),
    Column("cdr_setup_at", Instant),
    UniqueConstraint("source_id", "epoch", "table_name", "acc_id"),
    Index("ix_open_call_call_id", "call_id"),
    Index("ix_open_call_seen_at", "seen_at"),
)

suspense = table(
    "suspense",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("source_id", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("table_name", String(64), nullable=False),
    Column("acc_id", BigInteger, nullable=False),
    identifier("call_id", nullable=False),
    Column("at", Instant),
    Column("seen_at", Instant, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("detail", String(255), nullable=False, server_default=""),
    Column("row", LongText, nullable=False),
    UniqueConstraint("source_id", "epoch", "table_name", "acc_id"),
    Index("ix_suspense_reason", "reason", "id"),
    Index("ix_suspense_call_id", "call_id"),
)
