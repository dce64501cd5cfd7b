"""The call detail record, born partitioned by day; answered and unanswered calls apart.

A CDR is inserted once, normally priced. ``setup_at`` never changes and no foreign key points
here. Columns that start with ``sell_`` and ``buy_`` are its first charges: set once. ``price``
and ``cost`` are the current figures (first charge plus corrections), copied for searching.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Text

from app.core.database import BigId, Instant, identifier, metadata, table, tenant_column

PARTITIONED = ("cdr_answered", "cdr_failed", "cdr_attempt")


def _columns() -> list[Column[Any]]:
    return [
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("setup_at", Instant, primary_key=True),
        tenant_column(),
        Column("source_id", Integer, nullable=False),
        Column("epoch", Integer, nullable=False),
        Column("stored_at", Instant, nullable=False),
        identifier("call_id", nullable=False),
        identifier("from_tag", nullable=False, server_default=""),
        identifier("to_tag", nullable=False, server_default=""),
        identifier("charge_id", 64),
        # numbers in E.164 digits where they are numbers, else as the switch wrote them
        Column("caller", String(64), nullable=False, server_default=""),
        Column("callee", String(64), nullable=False, server_default=""),
        Column("dialled", String(128), nullable=False, server_default=""),
        Column("domain", String(128), nullable=False, server_default=""),
        Column("account", String(128), nullable=False, server_default=""),
        Column("gateway", String(64), nullable=False, server_default=""),
        Column("carrier", String(64), nullable=False, server_default=""),
        Column("src_ip", String(45), nullable=False, server_default=""),
        Column("user_agent", String(255), nullable=False, server_default=""),
        # where it went in the end, whose name was vouched for (RFC 3325), the routing number of
        # a ported one (RFC 4694), and over which trunk of a customer it came
        Column("routed", String(64), nullable=False, server_default=""),
        Column("asserted", String(64), nullable=False, server_default=""),
        Column("routing_number", String(32), nullable=False, server_default=""),
        Column("trunk", String(64), nullable=False, server_default=""),
        # out, in, onnet, tollfree; empty where nobody knows
        Column("direction", String(8), nullable=False, server_default=""),
        Column("answered_at", Instant),
        Column("ended_at", Instant, nullable=False),
        Column("duration_ms", BigInteger, nullable=False),
        Column("sip_code", SmallInteger, nullable=False),
        Column("sip_class", SmallInteger, nullable=False),
        Column("sip_reason", String(128), nullable=False, server_default=""),
        # from the INVITE to the first ringing; who hung up; Q.850; gateways tried (0: unknown)
        Column("pdd_ms", Integer),
        Column("hangup", String(8), nullable=False, server_default=""),
        Column("cause", SmallInteger),
        Column("attempts", SmallInteger, nullable=False, server_default="0"),
        # the last gateway's own, where others were tried before it: from its INVITE to its first
        # provisional and to its final answer
        Column("first_ms", Integer),
        Column("final_ms", Integer),
        # bits of app.mediation.call.Flag: what is not known exactly
        Column("flags", Integer, nullable=False, server_default="0"),
        # "acc:12 missed_calls:7": the switch's rows that this call is made of
        Column("acc_ids", Text, nullable=False),
        Column("destination", String(80), nullable=False, server_default=""),
        Column("unpriced_reason", String(32)),
        Column("sell_account_id", BigInteger),
        Column("sell_amount", BigInteger),
        Column("sell_tax", BigInteger),
        Column("sell_currency", String(3)),
        Column("sell_version_id", Integer),
        Column("sell_batch_id", BigInteger),
        Column("buy_account_id", BigInteger),
        Column("buy_amount", BigInteger),
        Column("buy_tax", BigInteger),
        Column("buy_currency", String(3)),
        Column("buy_version_id", Integer),
        Column("buy_batch_id", BigInteger),
        Column("price", BigInteger),
        Column("cost", BigInteger),
    ]


def _indexes(name: str) -> list[Index]:
    """Equality filters have (column, setup_at, id); a Call-ID is looked up as it is."""
    filters = ("tenant_id", "caller", "callee", "domain", "account")
    return [
        Index(f"ix_{name}_setup_at", "setup_at", "id"),
        *(Index(f"ix_{name}_{column}", column, "setup_at", "id") for column in filters),
        Index(f"ix_{name}_call_id", "call_id"),
    ]


_PARTITIONED: dict[str, Any] = {
    # MariaDB knows no partition table without partitions; app.cdr.partitions cuts out the days.
    "mysql_partition_by": "RANGE (setup_at) (PARTITION p_past VALUES LESS THAN (0),"
    " PARTITION p_future VALUES LESS THAN MAXVALUE)",
    "postgresql_partition_by": "RANGE (setup_at)",
}


answered = table("cdr_answered", *_columns(), *_indexes("cdr_answered"), **_PARTITIONED)
failed = table(
    "cdr_failed",
    *_columns(),
    *_indexes("cdr_failed"),
    Index("ix_cdr_failed_sip_class", "sip_class", "setup_at", "id"),
    **_PARTITIONED,
)

# The gateways that did not take a call; the last one, that did or was tried last, stands on the
# CDR itself, so that most calls have no row here.
attempt = table(
    "cdr_attempt",
    Column("cdr_id", BigInteger, primary_key=True, autoincrement=False),
    Column("setup_at", Instant, primary_key=True),
    Column("n", SmallInteger, primary_key=True, autoincrement=False),
    tenant_column(),
    Column("gateway", String(64), nullable=False, server_default=""),
    Column("carrier", String(64), nullable=False, server_default=""),
    Column("at", Instant, nullable=False),
    Column("sip_code", SmallInteger, nullable=False),
    Column("sip_reason", String(128), nullable=False, server_default=""),
    Column("first_ms", Integer),
    Column("final_ms", Integer),
    Column("cause", SmallInteger),
    **_PARTITIONED,
)

unpriced = table(
    "unpriced",
    Column("cdr_id", BigId, primary_key=True, autoincrement=False),
    tenant_column(),
    Column("setup_at", Instant, nullable=False),
    Column("account", String(128), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("since", Instant, nullable=False),
    Column("try_at", Instant, nullable=False),
    # the batch under which it was sent to an engine outside
    Column("batch_id", BigInteger),
    Index("ix_unpriced_try_at", "try_at"),
    Index("ix_unpriced_batch_id", "batch_id"),
    Index("ix_unpriced_account", "account"),
)

__all__ = ["PARTITIONED", "answered", "attempt", "failed", "metadata", "unpriced"]
