"""What is owed: accounts, balanced postings of entries, holds. Append-only but for balances."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, String, UniqueConstraint

from app.core.database import BigId, Instant, table, tenant_column

account = table(
    "account",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("code", String(128), nullable=False),
    Column("name", String(128), nullable=False, server_default=""),
    # customer, reseller, carrier; or one of ours: revenue, cash, adjustment
    Column("kind", String(12), nullable=False),
    # prepaid, postpaid, system
    Column("mode", String(12), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("balance", BigInteger, nullable=False, server_default="0"),
    Column("held", BigInteger, nullable=False, server_default="0"),
    Column("credit_limit", BigInteger, nullable=False, server_default="0"),
    # a balance that falls below this is said to be low; None: it is never said
    Column("low_balance", BigInteger),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("tenant_id", "code"),
    CheckConstraint("held >= 0", name="ck_account_held"),
    # the house looks for accounts of all tenants
    Index("ix_account_code", "code"),
    Index("ix_account_name", "name"),
)

posting = table(
    "posting",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("at", Instant, nullable=False),
    # charges, topup, adjustment, transfer
    Column("kind", String(12), nullable=False),
    # one reference, one effect: the idempotency key of whoever posts
    Column("reference", String(128), nullable=False),
    Column("memo", String(255), nullable=False, server_default=""),
    UniqueConstraint("tenant_id", "reference"),
)

entry = table(
    "entry",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("posting_id", BigInteger, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    UniqueConstraint("posting_id", "account_id"),
    Index("ix_entry_account_id", "account_id", "id"),
)

hold = table(
    "hold",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("account_id", BigInteger, nullable=False),
    Column("reference", String(128), nullable=False),
    # open, stopped (the call ended, its CDR is awaited), closed
    Column("state", String(8), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False, server_default="0"),
    Column("released", BigInteger, nullable=False, server_default="0"),
    Column("overrun", BigInteger, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    Column("closed_at", Instant),
    UniqueConstraint("tenant_id", "reference"),
    Index("ix_hold_account_id_state", "account_id", "state"),
    Index("ix_hold_state", "state"),
)
