"""Long work, who may do it, and who is alive: the row is the truth."""

from sqlalchemy import BigInteger, Column, Index, Integer, String

from app.core.database import BigId, Instant, LongText, table, tenant_column

job = table(
    "job",
    Column("id", BigId, primary_key=True),
    tenant_column(),
    Column("kind", String(40), nullable=False),
    Column("title", String(120), nullable=False),
    Column("state", String(12), nullable=False),
    Column("done", BigInteger, nullable=False, server_default="0"),
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("detail", LongText),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    # What a worker takes up (app.jobs.queue) has these too: who asked for it, the task as JSON,
    # the place from which to go on, when somebody wanted it to stop, until when a worker has it,
    # the number of times it was taken, and how often since it last moved.
    Column("operator_id", BigInteger),
    Column("task", LongText),
    Column("place", LongText),
    Column("cancel_at", Instant),
    Column("until", Instant),
    Column("token", BigInteger, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Index("ix_job_state", "state"),
)

lease = table(
    "lease",
    Column("name", String(80), primary_key=True),
    tenant_column(),
    Column("owner", String(80), nullable=False),
    Column("until", Instant, nullable=False),
    Column("token", BigInteger, nullable=False, server_default="0"),
)

heartbeat = table(
    "heartbeat",
    Column("process", String(80), primary_key=True),
    tenant_column(),
    Column("at", Instant, nullable=False),
    Column("detail", LongText),
)

counter = table(
    "counter",
    Column("name", String(40), primary_key=True),
    tenant_column(),
    Column("value", BigInteger, nullable=False),
)
