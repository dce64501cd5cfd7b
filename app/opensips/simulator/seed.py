"""Filling the demo switch's tables, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select

from app.core.database import reading, writing
from app.core.errors import Conflict
from app.opensips.simulator import history
from app.opensips.simulator.call import Call
from app.opensips.simulator.cast import Cast
from app.opensips.simulator.provision import provision
from app.opensips.simulator.rows import Written
from app.opensips.simulator.tables import ACCOUNTING, TABLES, insert
from app.opensips.tables import reflect


@dataclass(slots=True)
class Seeded:
    """How many rows were written."""

    acc: int = 0
    missed_calls: int = 0


def check_empty(engine: Engine) -> None:
    """Raises Conflict when the switch has accounted calls already, SwitchTableError without acc."""
    reflect(engine, "acc")
    with reading(engine) as connection:
        if connection.execute(select(TABLES["acc"].c.id).limit(1)).first() is not None:
            raise Conflict(
                "The table acc holds calls already.",
                "Demo data is only written into an empty database; nothing was changed.",
            )


def seed(engine: Engine, cast: Cast, calls: Sequence[Call], zone: str, until_ms: int) -> Seeded:
    """Writes configuration and history in one transaction: after a kill there is none of it."""
    done = Seeded()
    with writing(engine) as connection:
        provision(connection, cast, zone, until_ms)
        for batch in history.rows(calls, zone, until_ms):
            _write(connection, batch, done)
    return done


def _write(connection: Connection, batch: Sequence[Written], done: Seeded) -> None:
    for name in ACCOUNTING:
        rows = [row for _, table, row in batch if table == name]
        insert(connection, name, rows)
        setattr(done, name, getattr(done, name) + len(rows))
