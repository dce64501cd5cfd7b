"""Days and months that CDRs are stored in: made before they are needed, on all dialects.

PostgreSQL has one table per partition and no catch-all. MariaDB needs ranges without holes: one
below all days and one above; both stay empty, so cutting a day out of them costs nothing.
SQLite has no partitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, Table, inspect, select, text

from app.cdr.tables import PARTITIONED
from app.core import clock
from app.core.database import is_mysql, reading, writing
from app.jobs.tables import counter

Range = tuple[int, int]  # from an instant (inclusive) to an instant (exclusive)

# Older than this, a partition holds a month instead of a day.
DAILY_MS = 60 * clock.DAY
AHEAD_DAYS = 3
# Counts the partitions that were dropped: whoever remembers partitions asks again after one.
DROPS = "cdr_drops"


class Part(NamedTuple):
    """A partition: its name, and the set-up times from (inclusive) and to (exclusive)."""

    name: str
    low: int
    high: int


def missing_ranges(present: Iterable[Range], instants: Iterable[int], now_ms: int) -> list[Range]:
    """The ranges to make so that every instant has one: days, or months where they are old.

    What is there already is never overlapped: a month that some days of exist gets the rest.
    """
    taken = sorted(present)
    wanted: list[Range] = []
    for instant in sorted(set(map(clock.day_start, instants))):
        if any(low <= instant < high for low, high in taken):
            continue
        low, high = _natural_range(instant, now_ms)
        for start, end in taken:
            if end <= instant:
                low = max(low, end)
            if start > instant:
                high = min(high, start)
        wanted.append((low, high))
        taken = sorted([*taken, (low, high)])
    return wanted


def _natural_range(instant: int, now_ms: int) -> Range:
    if instant < clock.month_start(now_ms - DAILY_MS):
        return clock.month_start(instant), clock.month_start(instant, 1)
    return instant, instant + clock.DAY


class Partitions:
    """The partitions of the CDR tables; remembers what it has seen, so asking is cheap."""

    def __init__(self, panel: Engine) -> None:
        self.panel = panel
        self._known: dict[str, list[Range]] = {}
        self._drops = 0

    def ensure(self, instants: Iterable[int], now_ms: int) -> None:
        """Makes the partitions for these instants, and a few days ahead of now."""
        if self.panel.dialect.name == "sqlite":
            return
        wanted = {clock.day_start(instant) for instant in instants}
        wanted |= {clock.day_start(now_ms) + day * clock.DAY for day in range(AHEAD_DAYS)}
        with reading(self.panel) as connection:
            query = select(counter.c.value).where(counter.c.name == DROPS)
            drops = connection.scalar(query) or 0
        if drops != self._drops:
            # An old call may need a partition again that another process has dropped.
            self._known, self._drops = {}, drops
        for table in PARTITIONED:
            if table in self._known and not missing_ranges(self._known[table], wanted, now_ms):
                continue
            if not inspect(self.panel).has_table(table):
                continue  # a backup of an older revision goes into older tables
            with writing(self.panel) as connection, _alone(connection):
                present = existing(connection, table)
                if is_mysql(connection):
                    days = _without_holes(present, wanted)
                    new = missing_ranges(present, days, now_ms)
                    _reorganize(connection, table, present, new)
                else:
                    new = missing_ranges(present, wanted, now_ms)
                    _attach(connection, table, new)
                self._known[table] = [*present, *new]


def _without_holes(present: list[Range], wanted: set[int]) -> set[int]:
    """Every day from the first to the last that has or wants a partition."""
    days = wanted | {low for low, _ in present} | {high - clock.DAY for _, high in present}
    return set(range(min(days), max(days) + 1, clock.DAY))


def existing(connection: Connection, table: str) -> list[Range]:
    """The ranges that have a partition now (MariaDB's two outer ones left out)."""
    return [(part.low, part.high) for part in parts(connection, table)]


def parts(connection: Connection, table: str) -> list[Part]:
    """The partitions that there are now, in no order (MariaDB's two outer ones left out).

    On MariaDB a partition begins where the one before it ends, also after that was dropped.
    """
    if is_mysql(connection):
        query = text(
            "SELECT partition_name, partition_description FROM information_schema.partitions"
            " WHERE table_schema = DATABASE() AND table_name = :table"
            " ORDER BY partition_ordinal_position"
        )
        rows = connection.execute(query, {"table": table}).all()
        bounds = [(name, int(high)) for name, high in rows if high not in (None, "MAXVALUE")]
        return [
            Part(name, low, high)
            for (_, low), (name, high) in zip(bounds, bounds[1:], strict=False)
        ]
    query = text(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " JOIN pg_class p ON p.oid = i.inhparent"
        " JOIN pg_namespace n ON n.oid = p.relnamespace"
        " WHERE p.relname = :table AND n.nspname = current_schema()"
    )
    found = connection.execute(query, {"table": table})
    return [Part(name, *_from_name(name)) for (name,) in found]


def late_until(connection: Connection, table: Table, cutoff: int) -> int:
    """Before which instant MariaDB's oldest partition that stays after a cutoff only holds calls
    that came after their own partition went; 0: it holds none.

    There a partition grows downwards when the one before it goes. Cutting such calls a partition
    of their own would copy those of a whole day.
    """
    if not is_mysql(connection):
        return 0
    stays = [part for part in parts(connection, table.name) if part.high > cutoff]
    first = min(stays, key=lambda part: part.low, default=None)
    until = 0 if first is None else min(cutoff, _from_name(first.name)[0])
    late = select(table.c.id).where(table.c.setup_at < until).limit(1)
    return until if until and connection.scalar(late) is not None else 0


def drop(connection: Connection, table: str, part: Part) -> None:
    """Drops a partition with its rows; on MariaDB the statement commits by itself.

    Whoever uses the table is waited for 3 seconds, then the database raises.
    """
    if is_mysql(connection):
        connection.exec_driver_sql("SET SESSION lock_wait_timeout = 3")
        try:
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP PARTITION {part.name}")
        finally:
            connection.exec_driver_sql("SET SESSION lock_wait_timeout = DEFAULT")
        return
    connection.exec_driver_sql("SET LOCAL lock_timeout = '3s'")
    connection.exec_driver_sql(f"ALTER TABLE {table} DETACH PARTITION {part.name}")
    connection.exec_driver_sql(f"DROP TABLE {part.name}")


def note_drop(connection: Connection) -> None:
    """Tells every process that remembers partitions to look again."""
    moved = connection.execute(
        counter.update().where(counter.c.name == DROPS).values(value=counter.c.value + 1)
    )
    if not moved.rowcount:
        connection.execute(counter.insert().values(name=DROPS, value=1))


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Only one worker makes partitions at a time."""
    if not is_mysql(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(724501)"))
        yield
        return
    connection.execute(text("SELECT GET_LOCK('companion_partitions', 60)"))
    try:
        yield
    finally:
        connection.execute(text("SELECT RELEASE_LOCK('companion_partitions')"))


# Names and bounds below are numbers of ours: DDL takes no parameters.


def _attach(connection: Connection, table: str, new: list[Range]) -> None:
    """Makes tables that belong to whoever the whole belongs to: he changes all of them later."""
    owner = connection.scalar(
        text(
            "SELECT pg_get_userbyid(relowner) FROM pg_class"
            " WHERE oid = to_regclass(:table) AND pg_get_userbyid(relowner) <> current_user"
        ),
        {"table": table},
    )
    for low, high in new:
        connection.exec_driver_sql(
            f"CREATE TABLE IF NOT EXISTS {table}_{_stamp(low)}_{_stamp(high)}"
            f" PARTITION OF {table} FOR VALUES FROM ({low}) TO ({high})"
        )
        if owner is not None:
            name = connection.dialect.identifier_preparer.quote(str(owner))
            connection.exec_driver_sql(
                f"ALTER TABLE {table}_{_stamp(low)}_{_stamp(high)} OWNER TO {name}"
            )


def _reorganize(connection: Connection, table: str, present: list[Range], new: list[Range]) -> None:
    """Cuts new ranges out of the two outer partitions, each in one statement."""
    if not new:
        return
    parts = {
        (low, high): f"PARTITION {_part(low, high)} VALUES LESS THAN ({high})" for low, high in new
    }
    future = "PARTITION p_future VALUES LESS THAN MAXVALUE"
    bottom = min((low for low, _ in present), default=None)
    below = [pair for pair in new if bottom is not None and pair[0] < bottom]
    above = [pair for pair in new if pair not in below]
    if below:
        past = f"PARTITION p_past VALUES LESS THAN ({below[0][0]})"
        _cut(connection, table, "p_past", [past, *(parts[pair] for pair in below)])
    if above:
        outer = [] if present else [f"PARTITION p_past VALUES LESS THAN ({above[0][0]})"]
        cut = "p_future" if present else "p_past, p_future"
        _cut(connection, table, cut, [*outer, *(parts[pair] for pair in above), future])


def _cut(connection: Connection, table: str, cut: str, parts: list[str]) -> None:
    connection.exec_driver_sql(
        f"ALTER TABLE {table} REORGANIZE PARTITION {cut} INTO ({', '.join(parts)})"
    )


def _part(low: int, high: int) -> str:
    return f"p_{_stamp(low)}_{_stamp(high)}"


def _stamp(instant: int) -> str:
    return clock.to_datetime(instant).strftime("%Y%m%d")


def _from_name(name: str) -> Range:
    low, high = (
        clock.from_datetime(datetime.strptime(part, "%Y%m%d").replace(tzinfo=UTC))
        for part in name.split("_")[-2:]
    )
    return low, high
