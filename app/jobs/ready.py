"""Whether the panel can do its work: what ``/readyz`` answers."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, schema
from app.core.database import Databases, ping, reading
from app.core.errors import CompanionError
from app.jobs import heartbeat

WORKER_SILENT_MS = 30 * clock.SECOND


def problems(dbs: Databases) -> dict[str, str]:
    """What is wrong, by part: ``database``, ``switch_database``, ``schema``, ``worker``.

    Empty when screens, worker and databases are up. The sentences name no host or user.
    """
    found: dict[str, str] = {}
    for part, engine in (("database", dbs.panel), ("switch_database", dbs.switch)):
        try:
            ping(engine)
        except CompanionError:
            found[part] = "It does not answer."
    if "database" in found:
        return found
    try:
        if not schema.is_current(dbs.panel):
            return found | {"schema": "The tables are not up to date: run flask init."}
        with reading(dbs.panel) as connection:
            if not heartbeat.alive(connection, "worker", WORKER_SILENT_MS):
                found["worker"] = "No worker gave a sign of life in the last 30 seconds."
    except (CompanionError, SQLAlchemyError):
        found["database"] = "It does not answer."
    return found
