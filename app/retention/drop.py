"""Old calls go, by whole partitions, or in small bites on SQLite; what proves them is sealed.

Never with them: one that waits for its price or whose money is held, an unanswered one that a late
row may still take over. In a partition that holds such a call the others go in bites too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, func, not_, or_, select
from sqlalchemy.exc import DBAPIError

from app.cdr import partitions
from app.cdr.tables import answered, attempt, failed, unpriced
from app.charging.tables import session
from app.core import clock
from app.core.database import Databases, inserted_id, is_mysql, reading, writing
from app.core.errors import Conflict
from app.jobs.tables import counter
from app.mediation.tables import open_call
from app.retention import seals
from app.retention.decisions import ANSWERED, FAILED
from app.retention.seals import Seal
from app.retention.tables import removal, sealed_batch, sealed_rows

TABLES = {ANSWERED: answered, FAILED: failed}
_BITE_S = 0.05  # on SQLite every other writer waits for it


class InUse(Conflict):
    """Somebody reads or writes the table; nothing was removed."""

    code = "table_in_use"


@dataclass(frozen=True, slots=True)
class Gone:
    """What one bite removed: calls, and whether there may be more to do."""

    calls: int
    more: bool


def due_parts(connection: Connection, table: Table, cutoff: int) -> list[partitions.Part]:
    """Partitions without any call younger than the cutoff, oldest first."""
    found = [part for part in partitions.parts(connection, table.name) if part.high <= cutoff]
    return sorted(found, key=lambda part: part.low)


def is_needed(connection: Connection, kind: str, low: int, high: int) -> bool:
    """Whether a call between two instants has to stay."""
    if kind == FAILED:
        at = open_call.c.cdr_setup_at
        query = select(open_call.c.id).where(open_call.c.cdr_id.is_not(None))
        return connection.scalar(query.where(at >= low, at < high).limit(1)) is not None
    waits = select(unpriced.c.cdr_id).where(unpriced.c.setup_at >= low, unpriced.c.setup_at < high)
    held = select(session.c.id).where(
        session.c.cdr_setup_at >= low, session.c.cdr_setup_at < high, session.c.state != "closed"
    )
    return any(connection.scalar(query.limit(1)) is not None for query in (waits, held))


def drop_next(dbs: Databases, kind: str, cutoff: int) -> Gone:
    """Removes the oldest partition that is due (on SQLite: some calls); raises InUse."""
    if dbs.panel.dialect.name == "sqlite":
        return _bite(dbs, kind, cutoff)
    table = TABLES[kind]
    settle_interrupted(dbs)
    with reading(dbs.panel) as connection:
        due = due_parts(connection, table, cutoff)
        free = next((p for p in due if not is_needed(connection, kind, p.low, p.high)), None)
        # What is left holds calls that must stay: the others go one by one.
        until = max(partitions.late_until(connection, table, cutoff), *(p.high for p in due), 0)
    if free is not None:
        return Gone(_drop_part(dbs, kind, table, free), more=True)
    return _bite(dbs, kind, until) if until else Gone(0, more=False)


def _drop_part(dbs: Databases, kind: str, table: Table, part: partitions.Part) -> int:
    with reading(dbs.panel) as connection:
        print_ = _fingerprint(connection, table, part)
        seal = _seal(connection, table, part)
    try:
        if dbs.panel.dialect.name == "postgresql":
            with writing(dbs.panel) as connection:
                _fence(connection)
                _unchanged(connection, kind, table, part, print_)
                number = _note(connection, kind, table, part, print_[0], "done")
                seals.write(connection, number, seal)
                partitions.drop(connection, table.name, part)
                partitions.note_drop(connection)
            return int(print_[0])
        with writing(dbs.panel) as connection:
            number = _note(connection, kind, table, part, print_[0], "sealed")
            seals.write(connection, number, seal)
        # The fence is held by one connection while the other drops, which commits by itself.
        with writing(dbs.panel) as guard:
            _fence(guard)
            # Another process may have taken this for the work of somebody who was killed.
            mine = select(removal.c.id).where(removal.c.id == number).with_for_update()
            if guard.scalar(mine) is None:
                raise InUse("Another process removes calls too.", "It is tried again.")
            with reading(dbs.panel) as connection:
                _unchanged(connection, kind, table, part, print_)
            with writing(dbs.panel) as connection:
                partitions.drop(connection, table.name, part)
            guard.execute(removal.update().where(removal.c.id == number).values(state="done"))
            partitions.note_drop(guard)
        return int(print_[0])
    except DBAPIError as error:
        settle_interrupted(dbs)
        raise InUse(
            f"{table.name} is in use, so nothing was dropped: {str(error.orig)[:120]}",
            "It is tried again.",
        ) from error
    except InUse:
        settle_interrupted(dbs)
        raise


def settle_interrupted(dbs: Databases) -> None:
    """What was sealed by somebody who was killed: gone after all, or its seal is void."""
    if not is_mysql(dbs.panel):
        return
    with writing(dbs.panel) as connection:
        sealed = select(removal).where(removal.c.state == "sealed").with_for_update()
        pending = connection.execute(sealed).all()
        for row in pending:
            if not seals.has_part(connection, row.table_name, row.part):
                connection.execute(
                    removal.update().where(removal.c.id == row.id).values(state="done")
                )
                partitions.note_drop(connection)
                continue
            for table in (sealed_batch, sealed_rows):
                connection.execute(table.delete().where(table.c.removal_id == row.id))
            connection.execute(removal.delete().where(removal.c.id == row.id))


def _fence(connection: Connection) -> None:
    """Nobody stores a call until this transaction ends: ids of calls come from this row."""
    connection.execute(select(counter.c.value).where(counter.c.name == "cdr").with_for_update())


def _fingerprint(connection: Connection, table: Table, part: partitions.Part) -> tuple[Any, ...]:
    c = table.c
    query = select(func.count(), func.max(c.id), func.sum(c.sell_amount), func.max(c.stored_at))
    return tuple(connection.execute(query.where(*_within(table, part.low, part.high))).one())


def _unchanged(
    connection: Connection, kind: str, table: Table, part: partitions.Part, print_: tuple[Any, ...]
) -> None:
    same = _fingerprint(connection, table, part) == print_
    if not same or is_needed(connection, kind, part.low, part.high):
        raise InUse("A call came into the partition meanwhile.", "It is tried again.")


def _within(table: Table, low: int, high: int) -> list[ColumnElement[bool]]:
    return [table.c.setup_at >= low, table.c.setup_at < high]


def _seal(connection: Connection, table: Table, part: partitions.Part) -> Seal:
    seal, c, within = Seal(), table.c, _within(table, part.low, part.high)
    sums = select(c.sell_batch_id, c.sell_account_id, func.sum(c.sell_amount)).where(*within)
    sums = sums.where(c.sell_amount.is_not(None)).group_by(c.sell_batch_id, c.sell_account_id)
    seal.take_sums(connection.execute(sums))
    rows = select(c.source_id, c.epoch, c.acc_ids).where(*within)
    for source_id, epoch, acc_ids in connection.execution_options(yield_per=5_000).execute(rows):
        seal.take_rows(source_id, epoch, acc_ids)
    return seal


def _note(
    connection: Connection, kind: str, table: Table, part: partitions.Part, calls: int, state: str
) -> int:
    row = {
        "kind": kind,
        "table_name": table.name,
        "part": part.name,
        "first_at": part.low,
        "until_at": part.high,
        "calls": calls,
        "state": state,
        "at": clock.now_ms(),
    }
    return inserted_id(connection.execute(removal.insert(), row))


def _bite(dbs: Databases, kind: str, cutoff: int, *, for_s: float = 1.0) -> Gone:
    """Deletes the oldest calls that need not stay, in transactions of about 50 ms, for a second."""
    limit, calls, until = 100, 0, time.monotonic() + for_s
    while time.monotonic() < until:
        started = time.monotonic()
        with writing(dbs.panel) as connection:
            found = _delete_some(connection, kind, cutoff, limit)
        took = max(time.monotonic() - started, 0.001)
        calls += found
        if found < limit:
            return Gone(calls, more=False)
        limit = max(20, min(2_000, int(limit * _BITE_S / took)))
        time.sleep(took)  # others write as long as we do
    return Gone(calls, more=True)


def _delete_some(connection: Connection, kind: str, cutoff: int, limit: int) -> int:
    table = TABLES[kind]
    c = table.c
    if kind == ANSWERED:
        mine = session.c.cdr_id == c.id
        held = exists().where(and_(mine, session.c.state != "closed"))
        needed = or_(exists().where(unpriced.c.cdr_id == c.id), held)
    else:
        needed = or_(exists().where(open_call.c.cdr_id == c.id))
    columns = (c.id, c.setup_at, c.source_id, c.epoch, c.acc_ids)
    sell = (c.sell_batch_id, c.sell_account_id, c.sell_amount)
    query = select(*columns, *sell).where(c.setup_at < cutoff, not_(needed))
    rows = connection.execute(query.order_by(c.setup_at, c.id).limit(limit)).all()
    if not rows:
        return 0
    seal = Seal()
    for row in rows:
        seal.take_rows(row.source_id, row.epoch, row.acc_ids)
    seal.take_sums(row[5:] for row in rows if row.sell_amount is not None)
    for day in sorted({clock.day_start(row.setup_at) for row in rows}):
        ids = [row.id for row in rows if clock.day_start(row.setup_at) == day]
        number = _day(connection, kind, table, day, len(ids))
        connection.execute(
            table.delete().where(*_within(table, day, day + clock.DAY), c.id.in_(ids))
        )
    # One seal for the bite: its days went together.
    seals.write(connection, number, seal)
    return len(rows)


def _day(connection: Connection, kind: str, table: Table, day: int, calls: int) -> int:
    name = clock.to_datetime(day).strftime("%Y%m%d")
    mine = and_(removal.c.kind == kind, removal.c.first_at == day, removal.c.part == name)
    found = connection.scalar(select(removal.c.id).where(mine))
    if found is None:
        part = partitions.Part(name, day, day + clock.DAY)
        return _note(connection, kind, table, part, calls, "done")
    values = {"calls": removal.c.calls + calls, "at": clock.now_ms()}
    connection.execute(removal.update().where(removal.c.id == found).values(values))
    return int(found)


def drop_attempts(dbs: Databases, cutoff: int, limit: int = 500) -> Gone:
    """Removes tried gateways of calls that are gone: whole partitions before the cutoff (that of
    the calls that stay longest), else row by row where their call is not there any more."""
    if dbs.panel.dialect.name != "sqlite":
        with reading(dbs.panel) as connection:
            due = due_parts(connection, attempt, cutoff)
            due = [p for p in due if not _has_calls(connection, p)]
        if due:
            try:
                with writing(dbs.panel) as connection:
                    partitions.drop(connection, attempt.name, due[0])
                with writing(dbs.panel) as connection:
                    partitions.note_drop(connection)
            except DBAPIError as error:
                raise InUse("cdr_attempt is in use.", "It is tried again.") from error
            return Gone(0, more=True)
    with writing(dbs.panel) as connection:
        ids = _orphans(connection, limit)
        if ids:
            setups = {setup_at for _, setup_at in ids}
            connection.execute(
                attempt.delete().where(
                    attempt.c.cdr_id.in_([key for key, _ in ids]), attempt.c.setup_at.in_(setups)
                )
            )
    return Gone(0, more=len(ids) >= limit)


def _has_calls(connection: Connection, part: partitions.Part) -> bool:
    return any(
        connection.scalar(select(t.c.id).where(*_within(t, part.low, part.high)).limit(1))
        is not None
        for t in TABLES.values()
    )


def _orphans(connection: Connection, limit: int) -> list[tuple[int, int]]:
    """Calls of attempts that are in no table now, among removals of unanswered calls."""
    low, high = connection.execute(
        select(func.min(removal.c.first_at), func.max(removal.c.until_at)).where(
            removal.c.kind != "numbers"
        )
    ).one()
    if low is None:
        return []
    query = select(attempt.c.cdr_id, attempt.c.setup_at).where(*_within(attempt, low, high))
    for table in TABLES.values():
        same = and_(table.c.id == attempt.c.cdr_id, table.c.setup_at == attempt.c.setup_at)
        query = query.where(not_(exists().where(same)))
    return [(row.cdr_id, row.setup_at) for row in connection.execute(query.distinct().limit(limit))]
