"""Rows of ``acc`` mediated, priced and stored per second, beside the database's own copying.

The baseline is one ``INSERT … SELECT`` per table and chunk of every row that the ingest wrote,
into tables with the same keys, in the same chunks, with the same commits, in the same run.
"""

from __future__ import annotations

import random
import resource
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, insert, select

from app.cdr.tables import answered, failed
from app.core import clock
from app.core.database import Databases, is_mysql, metadata, reading, writing
from app.core.settings import Settings
from app.ledger import account
from app.ledger.tables import entry, posting
from app.opensips.tables import create_opensips_tables, reflect
from app.rating import store
from app.rating.tables import batch
from app.rounds import Runner

ACCOUNTS = 200
# What the ingest writes, and by which of its own ids a chunk of it is told.
WRITTEN = (answered, failed, batch, posting, entry)


def prepare(dbs: Databases, rows: int) -> None:
    """Accounts, a tariff of 400 prefixes, and ``rows`` rows of acc: 7 of 10 answered."""
    create_opensips_tables(dbs.switch)
    with writing(dbs.panel) as connection:
        tariff = store.create_tariff(connection, name="Bench", currency="EUR")
        rates = [
            store.NewRate(str(prefix), f"Zone {prefix}", f"0.0{prefix % 9}1", initial_ms=1_000)
            for prefix in range(100, 500)
        ]
        store.add_version(connection, tariff, 0, rates)
        for number in range(ACCOUNTS):
            new = account.create(
                connection, code=f"trunk-{number}", currency="EUR", mode="postpaid"
            )
            store.assign(connection, new, tariff)
    with writing(dbs.switch) as connection:
        acc = reflect(connection, "acc")
        for chunk in _chunks(rows):
            connection.execute(acc.insert(), chunk)


def _chunks(rows: int, size: int = 5_000) -> Iterator[list[dict[str, Any]]]:
    draw = random.Random(7)
    now = clock.now_ms() - 2 * clock.HOUR
    chunk: list[dict[str, Any]] = []
    for number in range(rows):
        # The whole table is of one day, whatever its size.
        at = clock.wall_clock(now - (rows - number) * 20 * clock.HOUR // rows, "UTC")
        code = draw.choices(("200", "486", "487", "404"), (70, 12, 12, 6))[0]
        length = draw.randrange(1_000, 400_000) if code == "200" else 0
        ring = draw.randrange(1, 12)
        chunk.append(
            {
                "method": "INVITE",
                "from_tag": f"f{draw.getrandbits(48):x}",
                "to_tag": f"t{draw.getrandbits(48):x}",
                "callid": f"{draw.getrandbits(96):x}@bench",
                "sip_code": code,
                "sip_reason": "OK" if code == "200" else "Busy Here",
                "time": at,
                "created": at - timedelta(seconds=ring),
                "setuptime": ring,
                "duration": -(-length // 1000),
                "ms_duration": length,
                "caller": f"+49301{draw.randrange(10**6):06}",
                "callee": f"+{draw.randrange(100, 500)}{draw.randrange(10**7):07}",
                "caller_domain": "bench.example",
                "account": f"trunk-{draw.randrange(ACCOUNTS)}",
                "gateway": f"gw{draw.randrange(20)}",
                "carrier": "c1",
                "src_ip": "192.0.2.7",
                "user_agent": "bench",
            }
        )
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def ingest(dbs: Databases, settings: Settings) -> tuple[int, float, list[int]]:
    """Reads everything; returns rows, seconds, and rows per second of each tenth of the run."""
    runner = Runner(dbs, settings)
    rows = 0
    started = time.perf_counter()
    marks = [(0, 0.0)]

    def progress(step: int) -> None:
        nonlocal rows
        rows += step
        marks.append((rows, time.perf_counter() - started))

    runner.to_the_end(progress)
    return rows, time.perf_counter() - started, _tenths(marks, rows)


def _tenths(marks: list[tuple[int, float]], rows: int) -> list[int]:
    """Rows per second between the steps that ended each tenth of the rows."""
    ends = [next(mark for mark in marks if mark[0] * 10 >= rows * n) for n in range(11)]
    return [
        round((later[0] - before[0]) / (later[1] - before[1]))
        for before, later in pairwise(ends)
        if later[0] > before[0]
    ]


def copy(panel: Engine) -> float:
    """Seconds of the baseline: the same rows, batch by batch, into tables of the same shape."""
    copies = {table: _copy_of(panel, table) for table in WRITTEN}
    with reading(panel) as connection:
        spans = _spans(connection)
    started = time.perf_counter()
    for low, high, batch_id in spans:
        with writing(panel) as connection:
            for table, twin in copies.items():
                query = select(table)
                if table in (answered, failed):
                    query = query.where(table.c.id.between(low, high))
                elif table is batch:
                    query = query.where(table.c.id == batch_id)
                else:
                    mine = select(posting.c.id).where(posting.c.reference == f"batch:{batch_id}")
                    column = posting.c.id if table is posting else entry.c.posting_id
                    query = query.where(column.in_(mine))
                connection.execute(insert(twin).from_select(table.c.keys(), query))
    return time.perf_counter() - started


def _spans(connection: Connection) -> list[tuple[int, int, int]]:
    """The CDR ids of each batch, unanswered calls between them included."""
    rows = connection.execute(
        select(answered.c.sell_batch_id, func.max(answered.c.id))
        .where(answered.c.sell_batch_id.is_not(None))
        .group_by(answered.c.sell_batch_id)
        .order_by(answered.c.sell_batch_id)
    ).all()
    spans, low = [], 1
    for batch_id, high in rows:
        spans.append((low, high, batch_id))
        low = high + 1
    return spans


def _copy_of(panel: Engine, table: Table) -> Table:
    twin = table.to_metadata(type(metadata)(), name=f"{table.name}_copy")
    for index in twin.indexes:
        index.name = f"{index.name}_copy"
    for constraint in twin.constraints:
        if constraint.name:
            constraint.name = f"{constraint.name}_copy"
    with writing(panel) as connection:
        twin.create(connection)
        if panel.dialect.name == "postgresql" and table in (answered, failed):
            # The other databases' copies have one partition for all days as well.
            whole = f"CREATE TABLE {twin.name}_all PARTITION OF {twin.name} DEFAULT"
            connection.exec_driver_sql(whole)
    return twin


def _size(panel: Engine) -> int:
    """Bytes that our database takes on disk, indexes included."""
    queries = {
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        "postgresql": "SELECT pg_database_size(current_database())",
        "mysql": "SELECT SUM(file_size) FROM information_schema.innodb_sys_tablespaces"
        " WHERE name LIKE CONCAT(DATABASE(), '/%%')",
    }
    with reading(panel) as connection:
        kind = "mysql" if is_mysql(panel) else panel.dialect.name
        return int(connection.exec_driver_sql(queries[kind]).scalar() or 0)


def peak_mb() -> float:
    """This process's largest resident memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(dbs: Databases, settings: Settings, rows: int) -> dict[str, Any]:
    """One run on prepared, empty databases."""
    prepare(dbs, rows)
    empty = _size(dbs.panel)
    read, seconds, tenths = ingest(dbs, settings)
    grown = _size(dbs.panel) - empty
    baseline = copy(dbs.panel)
    with reading(dbs.panel) as connection:
        written = sum(
            connection.scalar(select(func.count()).select_from(table)) or 0 for table in WRITTEN
        )
    return {
        "bench": "ingest",
        "database": dbs.panel.dialect.name,
        "rows": read,
        "rows_per_s": round(read / seconds),
        "baseline_rows_per_s": round(read / baseline),
        "ratio": round(baseline / seconds, 3),
        "bulk_load": settings.bulk_load,
        "rows_per_s_by_tenth": tenths,
        "last_tenth_to_first": round(tenths[-1] / tenths[0], 2),
        "hours_for_50M": round(
            50_000_000 / statistics.median(tenths[len(tenths) // 2 :]) / 3600, 1
        ),
        "rows_written_per_1000_calls": round(written * 1000 / read),
        "bytes_written_per_call": round(grown / read),
        "peak_mb": round(peak_mb()),
    }
