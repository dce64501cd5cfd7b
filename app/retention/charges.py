"""Later charges of calls that are gone: summed up like the first ones, then removed."""

from __future__ import annotations

from sqlalchemy import and_, exists, func, not_, select

from app.cdr.tables import answered
from app.core.database import Databases, reading, writing
from app.rating.tables import charge
from app.retention import seals
from app.retention.decisions import ANSWERED
from app.retention.seals import Seal
from app.retention.tables import removal


def fold_next(dbs: Databases, limit: int = 500) -> int:
    """Seals and removes up to ``limit`` charges whose call went; returns how many."""
    with reading(dbs.panel) as connection:
        query = select(func.max(removal.c.until_at), func.max(removal.c.id))
        until, number = connection.execute(
            query.where(removal.c.kind == ANSWERED, removal.c.state == "done")
        ).one()
    if until is None:
        return 0
    same = and_(answered.c.id == charge.c.cdr_id, answered.c.setup_at == charge.c.cdr_setup_at)
    query = select(charge).where(charge.c.cdr_setup_at < until, not_(exists().where(same)))
    with writing(dbs.panel) as connection:
        rows = connection.execute(query.limit(limit).with_for_update()).all()
        if rows:
            seal = Seal()
            seal.take_sums((row.batch_id, row.account_id, row.amount) for row in rows)
            seals.write(connection, number, seal)
            ids = [row.id for row in rows]
            connection.execute(charge.delete().where(charge.c.id.in_(ids)))
    return len(rows)
