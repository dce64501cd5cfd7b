"""Subscribers who have a page of their own, and their sessions."""

from sqlalchemy import Column, Index, Integer, String

from app.core.database import Instant, table, tenant_column

portal_user = table(
    "portal_user",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    # user@domain, which is the code of the account too
    Column("address", String(128), nullable=False, unique=True),
    # None until the link was followed
    Column("password_hash", String(255)),
    Column("invite_hash", String(64), unique=True),
    Column("invite_ends", Instant),
    Column("created_at", Instant, nullable=False),
)

portal_session = table(
    "portal_session",
    Column("token_hash", String(64), primary_key=True),
    tenant_column(),
    Column("user_id", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_portal_session_user_id", "user_id"),
)
