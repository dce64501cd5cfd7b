"""Where rows come from, how far we have read, and what is not (yet) a call."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, UniqueConstraint

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
    # "" takes a meaning from no column
    Column("columns", LongText),
    Column("created_at", Instant, nullable=False),
    # what the worker met when it last looked: the switch's table versions, ids still to be read
    Column("looked_at", Instant),
    Column("versions", String(64), nullable=False, server_default=""),
    Column("waiting", BigInteger),
    # why its database is not read, empty while it is
    Column("problem", String(255), nullable=False, server_default=""),
)

# How a source's numbers are put right before its dialling plan is applied; the first that fits.
number_rule = table(
    "number_rule",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    Column("source_id", Integer, nullable=False),
    # the caller's domain in small letters; empty: all domains, after those of one
    Column("domain", String(128), nullable=False, server_default=""),
    Column("place", Integer, nullable=False),
    # caller, callee, both
    Column("side", String(8), nullable=False),
    Column("prefix", String(32), nullable=False, server_default=""),
    Column("least", Integer),
    Column("most", Integer),
    # signs to take off the beginning; NULL: the prefix
    Column("strip", Integer),
    Column("add", String(32), nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Index("ix_number_rule_source_id", "source_id", "place"),
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
    # when retention cut the numbers in it: it can be made no call any more
    Column("numbers_removed_at", Instant),
    UniqueConstraint("source_id", "epoch", "table_name", "acc_id"),
    Index("ix_suspense_reason", "reason", "id"),
    Index("ix_suspense_call_id", "call_id"),
)

# Calls as the switch's table of dialogs shows them, to tell those that end without a row of acc.
dialog_seen = table(
    "dialog_seen",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("source_id", Integer, nullable=False),
    Column("dlg_id", BigInteger, nullable=False),
    identifier("call_id", nullable=False),
    identifier("from_tag", nullable=False),
    Column("caller", String(255), nullable=False),
    Column("callee", String(255), nullable=False),
    Column("start_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    # live, vanished, lasting (live though its row says that it ended)
    Column("state", String(8), nullable=False),
    Column("acknowledged_at", Instant),
    # which node's memory it was seen in; empty: the switch's table
    Column("node", String(64), nullable=False, server_default=""),
    UniqueConstraint("source_id", "dlg_id", "start_at"),
    Index("ix_dialog_seen_state", "state", "seen_at"),
)

# In which order it is looked who pays; without rows the order of app.mediation.ways.WAYS.
payer_way = table(
    "payer_way",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    Column("way", String(12), nullable=False, unique=True),
    Column("place", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
)

payer_rule = table(
    "payer_rule",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    # subscriber, domain, address, prefix
    Column("way", String(12), nullable=False),
    Column("pattern", String(190), nullable=False),
    Column("account_id", BigInteger, nullable=False),
    # what CDRs are to say of the customer's trunk; empty: the pattern of an address or prefix
    Column("trunk", String(64), nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("way", "pattern"),
)

# Numbers that we own, whose they are from when till when.
own_number = table(
    "own_number",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    Column("number", String(20), nullable=False),
    # geographic, mobile, tollfree
    Column("kind", String(12), nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("carrier", String(64), nullable=False, server_default=""),
    # a month's rental in ledger units of the currency
    Column("rental", BigInteger),
    Column("currency", String(3), nullable=False, server_default=""),
    Column("valid_from", Instant, nullable=False, server_default="0"),
    Column("valid_till", Instant),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("number", "valid_from"),
    Index("ix_own_number_tenant_id", "tenant_id", "number"),
)
