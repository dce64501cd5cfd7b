"""Nodes, and changes as promises: intent first, then the table, then every node."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, UniqueConstraint

from app.core.database import BigId, Instant, LongText, table, tenant_column

node = table(
    "node",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    Column("name", String(64), nullable=False, unique=True),
    Column("mi_url", String(255), nullable=False),
    Column("state", String(12), nullable=False, server_default="unknown"),
    Column("version", String(80), nullable=False, server_default=""),
    Column("started_at", Instant),
    Column("answered_at", Instant),
    Column("last_error", String(255), nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
)

change_set = table(
    "change_set",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("tool", String(40), nullable=False),
    Column("operator_id", Integer),
    Column("actor", String(64), nullable=False),
    Column("comment", String(255), nullable=False, server_default=""),
    # drafted, written, conflict
    Column("state", String(12), nullable=False),
    Column("problem", String(255), nullable=False, server_default=""),
    # what makes a second click on "save" the same change
    Column("reference", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("written_at", Instant),
    Index("ix_change_set_state", "state"),
)

change = table(
    "change_row",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("change_set_id", BigId, nullable=False),
    Column("table_name", String(64), nullable=False),
    # the row's primary key; empty until an inserted row has one
    Column("row_id", String(64), nullable=False, server_default=""),
    # JSON objects; null before an insert, null after a delete
    Column("before", LongText),
    Column("after", LongText),
    # an insert's row has a higher id than this: how it is found again after a kill
    Column("above_id", BigInteger),
    Index("ix_change_row_change_set_id", "change_set_id"),
    Index("ix_change_row_row", "table_name", "row_id"),
)

push = table(
    "push",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("change_set_id", BigId, nullable=False),
    Column("node_id", Integer, nullable=False),
    # waiting, pushed, verified, failed
    Column("state", String(12), nullable=False),
    # equal, sampled, reloaded, unknown
    Column("level", String(12), nullable=False, server_default=""),
    Column("evidence", LongText),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("problem", String(255), nullable=False, server_default=""),
    Column("next_at", Instant, nullable=False),
    Column("pushed_at", Instant),
    Column("verified_at", Instant),
    UniqueConstraint("change_set_id", "node_id"),
    Index("ix_push_state", "state", "next_at"),
)

# What the nodes last said of their gateways, while somebody wants to hear of those that go down.
gateway_state = table(
    "gateway_state",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    Column("node_id", Integer, nullable=False),
    Column("gwid", String(64), nullable=False),
    # Active, Inactive, Probing, Disabled MI
    Column("state", String(16), nullable=False),
    Column("since", Instant, nullable=False),
    UniqueConstraint("node_id", "gwid"),
)
