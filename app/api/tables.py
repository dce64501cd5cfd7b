"""What the API remembers: how often it is asked, and what it answered to keys."""

from sqlalchemy import Column, Index, Integer, SmallInteger, String

from app.core.database import BigId, Instant, LongText, table, tenant_column

api_use = table(
    "api_use",
    # token:7, or operator:3 for a page of ours
    Column("name", String(32), primary_key=True),
    tenant_column(),
    Column("window_at", Instant, nullable=False),
    Column("taken", Integer, nullable=False),
)

api_answer = table(
    "api_answer",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("operator_id", Integer, nullable=False),
    Column("key", String(128), nullable=False),
    # SHA-256 of method, address and body
    Column("request", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    # None while the first request is being done
    Column("status", SmallInteger),
    # sealed: an answer may hold a password that is shown once
    Column("answer", LongText),
    Index("uq_api_answer_operator_id_key", "operator_id", "key", unique=True),
    Index("ix_api_answer_at", "at"),
)
