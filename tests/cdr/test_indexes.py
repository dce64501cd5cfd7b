"""Every filter of the calls has its index, and every index is needed by something."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, select, text

from app.cdr import forms, search
from app.cdr.filters import Filters
from app.cdr.tables import answered, failed
from app.core import clock
from app.core.database import Databases, is_mysql, metadata, reading, writing
from tests.cdr import calls

# Each filter of the bar, with a value that few calls have.
ASKED: dict[str, dict[str, Any]] = {
    "range": {},
    "caller": {"caller": "4930555"},
    "callee": {"callee": "336777*"},
    "call_id": {"call_id": "call-7"},
    "status": {"status": "failed"},
    "sip_class": {"sip_class": 5},
    "domain": {"domain": "rare.example"},
    "account": {"account": "rare"},
    "tenant": {"tenants": (7,)},
}
# Why each index of the two tables is there.
NEEDED = {
    "setup_at": "the list without a filter, removal of old calls",
    "tenant_id": "the list of a tenant's people",
    "caller": "filter, search",
    "callee": "filter, search",
    "domain": "filter",
    "account": "filter, subscribers' pages",
    "call_id": "filter, search, known rows, purge of acc",
    "sip_class": "filter; answered calls are all 2xx",
}


def test_filters_are_carried_by_indexes(panel_db: Databases) -> None:
    assert {field.name for field in forms.BAR.fields} <= ASKED.keys() | {"range"}
    # Yesterday's noon: soon after midnight an hour is all that the day's partition holds.
    now = clock.day_start(clock.now_ms()) - 12 * clock.HOUR
    records = []
    for i in range(3_000):
        rare = {
            "caller": "4930555" if i % 500 == 7 else f"4930{i % 40}",
            "callee": "3367771" if i % 500 == 8 else f"33{i % 30}",
            "domain": "rare.example" if i % 500 == 9 else "example.com",
            "account": "rare" if i % 500 == 10 else "alice",
            "tenant_id": 7 if i % 500 == 11 else 1,
        }
        common = {"setup_at": now - i * 40_000, "call_id": f"call-{i}", **rare}
        one = calls.call(**common) if i % 2 else calls.failed(**common)
        if not i % 2 and i % 500 == 12:
            one |= {"sip_class": 5, "sip_code": 503}
        records.append(one | {"unpriced_reason": None})
    calls.put(panel_db, *records)
    with writing(panel_db.panel) as connection:
        for table in ("cdr_answered", "cdr_failed"):
            word = "ANALYZE TABLE" if is_mysql(connection) else "ANALYZE"
            connection.execute(text(f"{word} {table}"))
    wrong = []
    with reading(panel_db.panel) as connection:
        if connection.dialect.name == "postgresql":
            # A small table is read whole whatever its indexes: what could be done is asked.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        for name, asked in ASKED.items():
            # What takes every call is asked for an hour of them, or reading all would be right.
            length = 2 * clock.DAY if asked.keys() - {"status"} else clock.HOUR
            filters = Filters(since=now - length, until=now + 1, **asked)
            for table in search._tables(filters):
                c = table.c
                query = (
                    select(table)
                    .where(
                        *filters.conditions(table),
                        c.setup_at >= filters.since,
                        c.setup_at < filters.until,
                    )
                    .order_by(c.setup_at.desc(), c.id.desc())
                    .limit(51)
                )
                # What starts with digits is a range: its rows are put in order after it.
                found = _plan(connection, query)
                bad = _bad(connection, found, sorts=name in ("callee", "call_id"))
                wrong += [f"{name} on {table.name}: {bad}: {found}"] if bad else []
    assert wrong == []


def test_no_index_is_there_for_nothing() -> None:
    for table in (answered, failed):
        there = {next(iter(index.columns)).name for index in table.indexes}
        assert there == NEEDED.keys() - ({"sip_class"} if table is answered else set())
    assert metadata.tables["cdr_attempt"].indexes == set()


def _plan(connection: Connection, query: Any) -> str:
    statement = str(
        query.compile(connection.engine, compile_kwargs={"literal_binds": True})
    ).replace("%%", "%")
    words = {
        "sqlite": "EXPLAIN QUERY PLAN",
        "mysql": "EXPLAIN FORMAT=JSON",
        "mariadb": "EXPLAIN FORMAT=JSON",
        "postgresql": "EXPLAIN (FORMAT JSON)",
    }[connection.dialect.name]
    rows = connection.exec_driver_sql(f"{words} {statement}".replace("%", "%%")).all()
    return " ".join(json.dumps(list(row), default=str) for row in rows)


def _bad(connection: Connection, plan: str, *, sorts: bool) -> str:
    plan = plan.replace('\\"', '"')
    if connection.dialect.name == "sqlite":
        scan = "SCAN " in plan and "USING" not in plan
        sort = "TEMP B-TREE" in plan
    elif is_mysql(connection):
        scan = '"access_type": "ALL"' in plan
        sort = "filesort" in plan
    else:
        scan = "Seq Scan" in plan
        sort = '"Sort"' in plan
    return "reads all" if scan else "sorts" if sort and not sorts else ""
