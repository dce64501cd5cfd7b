"""Tariffs in versions, who has which, and the batches in which calls were priced."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, UniqueConstraint

from app.core.database import BigId, Instant, table, tenant_column

tariff = table(
    "tariff",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    Column("name", String(80), nullable=False),
    Column("currency", String(3), nullable=False),
    # decimal places of a call's price, and how it gets there: half, up, down
    Column("rounding_places", Integer, nullable=False, server_default="6"),
    Column("rounding", String(8), nullable=False, server_default="half"),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

tariff_version = table(
    "tariff_version",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    Column("tariff_id", Integer, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("tariff_id", "valid_from"),
)

rate = table(
    "rate",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("tariff_version_id", Integer, nullable=False),
    Column("prefix", String(20), nullable=False),
    Column("destination", String(80), nullable=False),
    # exact decimals as text: no database rounds them
    Column("connect_fee", String(40), nullable=False, server_default="0"),
    Column("price", String(40), nullable=False),
    Column("unit_ms", BigInteger, nullable=False, server_default="60000"),
    Column("initial_ms", BigInteger, nullable=False, server_default="1000"),
    Column("increment_ms", BigInteger, nullable=False, server_default="1000"),
    UniqueConstraint("tariff_version_id", "prefix"),
)

tariff_assignment = table(
    "tariff_assignment",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("account_id", BigInteger, nullable=False),
    Column("tariff_id", Integer, nullable=False),
    Column("valid_from", Instant, nullable=False, server_default="0"),
    UniqueConstraint("account_id", "valid_from"),
)

batch = table(
    "rating_batch",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    # the name under which an engine knows it: the same again is priced once
    Column("key", String(40), nullable=False, unique=True),
    Column("engine", String(40), nullable=False),
    # sent (to an engine outside), posted
    Column("state", String(8), nullable=False),
    Column("calls", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("posted_at", Instant),
    Index("ix_rating_batch_state", "state"),
)

charge = table(
    "charge",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("cdr_id", BigInteger, nullable=False),
    Column("cdr_setup_at", Instant, nullable=False),
    # sell or buy
    Column("side", String(4), nullable=False),
    # resale, draw, correction
    Column("kind", String(12), nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False, server_default="0"),
    Column("currency", String(3), nullable=False),
    Column("tariff_version_id", Integer),
    Column("batch_id", BigInteger, nullable=False),
    Column("corrects", BigInteger),
    Column("sequence", BigInteger),
    Column("reason", String(120), nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Index("ix_charge_cdr_id", "cdr_id"),
    Index("ix_charge_batch_id", "batch_id"),
    # charges of calls that are no longer kept
    Index("ix_charge_cdr_setup_at", "cdr_setup_at"),
)
