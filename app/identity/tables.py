"""Tenants, operators, their sessions, and what they did."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Text

from app.core.database import BigId, Instant, LongText, table, tenant_column

tenant = table(
    "tenant",
    Column("id", Integer, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    # a reseller, whose customers this tenant's are; the house has none
    Column("parent_id", Integer),
    Column("created_at", Instant, nullable=False),
    Index("ix_tenant_parent_id", "parent_id"),
)

tenant_domain = table(
    "tenant_domain",
    Column("domain", String(64), primary_key=True),
    tenant_column(),
)

tenant_logo = table(
    "tenant_logo",
    Column("tenant_id", Integer, primary_key=True, autoincrement=False),
    Column("png", LargeBinary(65_535), nullable=False),
    # SHA-256 of it: what it is called in addresses
    Column("digest", String(64), nullable=False),
    Index("ix_tenant_logo_digest", "digest"),
)

operator = table(
    "operator",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    Column("login", String(64), nullable=False, unique=True),
    Column("password_hash", String(255), nullable=False),
    Column("role", String(20), nullable=False),
    Column("zone", String(64), nullable=False, server_default="UTC"),
    # how dates and numbers look: a BCP 47 tag such as de-DE
    Column("locale", String(16), nullable=False, server_default="en-GB"),
    Column("active", Boolean, nullable=False, server_default="1"),
    Column("created_at", Instant, nullable=False),
)

operator_preference = table(
    "operator_preference",
    Column("operator_id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(80), primary_key=True),
    tenant_column(),
    # JSON
    Column("value", LongText, nullable=False),
)

operator_session = table(
    "operator_session",
    Column("token_hash", String(64), primary_key=True),
    tenant_column(),
    Column("operator_id", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("address", String(64)),
    Column("user_agent", String(255)),
    # whether who vouched for the operator said that there was a second factor
    Column("vouched", Boolean, nullable=False, server_default="0"),
    Index("ix_operator_session_operator_id", "operator_id"),
)

operator_identity = table(
    "operator_identity",
    # who an OpenID Connect provider says that somebody is
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    tenant_column(),
    Column("operator_id", Integer, nullable=False),
    # made by signing in: the role follows the provider
    Column("made", Boolean, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("ix_operator_identity_operator_id", "operator_id", "issuer", unique=True),
)

operator_factor = table(
    "operator_factor",
    Column("operator_id", Integer, primary_key=True, autoincrement=False),
    tenant_column(),
    # the TOTP key, sealed
    Column("secret", Text, nullable=False),
    # None until a first code was given: it counts from then on
    Column("confirmed_at", Instant),
    # the 30 seconds that the last used code was of
    Column("last_step", BigInteger, nullable=False),
)

operator_recovery = table(
    "operator_recovery",
    Column("operator_id", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(64), primary_key=True),
    tenant_column(),
)

api_token = table(
    "api_token",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    Column("operator_id", Integer, nullable=False),
    Column("name", String(80), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    # JSON list of permissions
    Column("scopes", LongText, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("ix_api_token_operator_id", "operator_id"),
)

login_attempt = table(
    "login_attempt",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("login", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_login_attempt_login_at", "login", "at"),
    Index("ix_login_attempt_address_at", "address", "at"),
)

audit = table(
    "audit",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("at", Instant, nullable=False),
    Column("operator_id", Integer),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("object", String(128), nullable=False),
    Column("detail", LongText),
    # entries from before there was a chain have no number and no hash
    Column("seq", BigInteger),
    # the object's fields, JSON
    Column("before", LongText),
    Column("after", LongText),
    Column("address", String(64)),
    Column("session", String(16)),
    Column("hash", String(64)),
    Index("ix_audit_at", "at"),
    Index("ix_audit_seq", "seq", unique=True),
    Index("ix_audit_actor", "actor", "id"),
    Index("ix_audit_object", "object", "id"),
    Index("ix_audit_tenant_id", "tenant_id", "id"),
)

# One row: where the chain of the audit ends.
audit_head = table(
    "audit_head",
    Column("id", Integer, primary_key=True, autoincrement=False),
    tenant_column(),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)
