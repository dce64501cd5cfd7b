"""A prepaid call while it lasts."""

from sqlalchemy import BigInteger, Column, Index, String, UniqueConstraint

from app.core.database import BigId, Instant, identifier, table, tenant_column

session = table(
    "charging_session",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    # minted by the switch's script, else by us: the join between LIVE and CALLS
    identifier("charge_id", 64, nullable=False),
    Column("system", String(64), nullable=False, server_default=""),
    identifier("call_id", nullable=False),
    # the |tag of a call that is charged several times over
    identifier("tag", 64, nullable=False, server_default=""),
    Column("account_id", BigInteger, nullable=False),
    Column("account", String(128), nullable=False),
    Column("destination", String(128), nullable=False),
    # authorised, started, stopped, closed
    Column("state", String(12), nullable=False),
    Column("setup_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("stopped_at", Instant),
    Column("usage_ms", BigInteger),
    Column("granted_ms", BigInteger, nullable=False, server_default="0"),
    Column("dialog_id", BigInteger),
    Column("dialog_entry", BigInteger),
    Column("disconnect_cause", String(64), nullable=False, server_default=""),
    Column("hold_id", BigInteger),
    Column("cdr_id", BigInteger),
    Column("cdr_setup_at", Instant),
    Column("seen_at", Instant, nullable=False),
    UniqueConstraint("charge_id"),
    Index("ix_charging_session_call_id", "call_id"),
    Index("ix_charging_session_state", "state", "stopped_at"),
    Index("ix_charging_session_account_id", "account_id", "state"),
)
