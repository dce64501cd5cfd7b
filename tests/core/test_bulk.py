"""Many rows at once: what comes back is what went in, on every database, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, MetaData, String, Table, Text, select

from app.core import bulk
from app.core.database import Databases, is_mysql, reading, writing

HOSTILE = (
    "plain",
    "",
    "it's",
    "\\",
    "\\'; DROP TABLE cdr; --",
    '"quoted"',
    "tab\tnew\nline\r",
    "\\N",
    "\\.",
    "NULL",
    "100 % %s %(id)s %d",
    "\x1a\x7f\x01",
    "Zoë Ørsted ☎ 𝄞",
    "\u202egnp.exe",
    "<script>alert(1)</script>",
)


@pytest.fixture
def table(panel_db: Databases) -> Iterator[Table]:
    """A table with text, text that may be missing, and numbers of both kinds."""
    found = Table(
        "bulk_trial",
        MetaData(),
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("said", String(255), nullable=False),
        Column("perhaps", Text),
        Column("count", BigInteger),
        Column("same", String(64), nullable=False),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    found.create(panel_db.panel)
    yield found
    found.drop(panel_db.panel)


def _back(dbs: Databases, table: Table) -> list[dict[str, Any]]:
    with reading(dbs.panel) as connection:
        rows = connection.execute(select(table).order_by(table.c.id)).mappings()
        return [dict(row) for row in rows]


def _rows(texts: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "said": said,
            "perhaps": None if number % 3 == 0 else said,
            "count": None if number % 2 else -(10**18) + number,
            "same": "50 % of 'all'",
        }
        for number, said in enumerate(texts)
    ]


def test_hostile_text_comes_back_unchanged(panel_db: Databases, table: Table) -> None:
    rows = _rows(HOSTILE)
    with writing(panel_db.panel) as connection:
        bulk.insert(connection, table, rows)
        bulk.insert(connection, table, [])
    assert _back(panel_db, table) == rows


def test_columns_may_be_the_same_in_all_rows(panel_db: Databases, table: Table) -> None:
    rows = [
        {"id": number, "said": "", "perhaps": None, "count": 7, "same": "\\"}
        for number in range(2_500)
    ]
    with writing(panel_db.panel) as connection:
        bulk.insert(connection, table, rows)
    assert _back(panel_db, table) == rows


def test_one_row_alone(panel_db: Databases, table: Table) -> None:
    rows = _rows(("a 'b' %",))
    with writing(panel_db.panel) as connection:
        bulk.insert(connection, table, rows)
    assert _back(panel_db, table) == rows


def test_a_server_that_reads_backslashes_as_they_are(panel_db: Databases, table: Table) -> None:
    rows = _rows(HOSTILE)
    with writing(panel_db.panel) as connection:
        if is_mysql(connection):
            connection.exec_driver_sql("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'")
        bulk.insert(connection, table, rows)
        if is_mysql(connection):
            connection.exec_driver_sql("SET SESSION sql_mode = DEFAULT")
    assert _back(panel_db, table) == rows


TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=40)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1, max_size=20))
def test_any_text(panel_db: Databases, table: Table, texts: list[str]) -> None:
    rows = _rows(tuple(texts))
    with writing(panel_db.panel) as connection:
        connection.execute(table.delete())
        bulk.insert(connection, table, rows)
    assert _back(panel_db, table) == rows
