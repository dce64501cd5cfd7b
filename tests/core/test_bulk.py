"""Many rows at once: what comes back is what went in, on every database, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, MetaData, String, Table, Text, select
from sqlalchemy.exc import DBAPIError

from app.core import bulk, loading
from app.core.database import Databases, is_mysql, make_engine, reading, writing
from app.core.errors import DatabaseUnavailable

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


@pytest.fixture
def by_statements(panel_db: Databases) -> Iterator[Databases]:
    """The same database with PANEL_BULK_LOAD=off: rows go in ordinary INSERTs."""
    url = panel_db.panel.url.render_as_string(hide_password=False)
    engine = make_engine(url, bulk_load="off")
    yield Databases(engine, engine)
    engine.dispose()


def test_ordinary_inserts_say_the_same(by_statements: Databases, table: Table) -> None:
    rows = _rows(HOSTILE)
    with writing(by_statements.panel) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL standard_conforming_strings = off")
        bulk.insert(connection, table, rows)
    assert _back(by_statements, table) == rows


def test_a_key_that_is_there_already_is_an_error(panel_db: Databases, table: Table) -> None:
    rows = _rows(HOSTILE)
    with writing(panel_db.panel) as connection:
        bulk.insert(connection, table, rows[:3])
    with pytest.raises(DBAPIError), writing(panel_db.panel) as connection:
        bulk.insert(connection, table, rows[2:])
    assert _back(panel_db, table) == rows[:3]


def test_mariadb_loads_rows_where_the_server_allows_it(panel_db: Databases, table: Table) -> None:
    if not is_mysql(panel_db.panel):
        pytest.skip("LOAD DATA is MariaDB's")
    loads = "SHOW SESSION STATUS LIKE 'Com_load'"
    with writing(panel_db.panel) as connection:
        bulk.insert(connection, table, _rows(HOSTILE))
        assert connection.exec_driver_sql(loads).one()[1] == "1"
        # A text that is too long is refused, not cut, though LOCAL makes a warning of it.
        with pytest.raises(DBAPIError):
            bulk.insert(connection, table, [_rows(("x" * 256,))[0] | {"id": 99}])


def test_a_server_that_asks_for_a_file_gets_none(panel_db: Databases, tmp_path: Path) -> None:
    if not is_mysql(panel_db.panel):
        pytest.skip("LOAD DATA is MariaDB's")
    secret = tmp_path / "secret"
    secret.write_text("1\tsecret\n")
    # The server may ask in answer to anything: here it does since the statement says so.
    wish = f"LOAD DATA LOCAL INFILE '{secret}' INTO TABLE bulk_wish"
    make = "CREATE TEMPORARY TABLE bulk_wish (id INT, said TEXT)"
    with suppress(DatabaseUnavailable), reading(panel_db.panel) as connection:
        connection.exec_driver_sql(make)
        driver: Any = connection.connection.dbapi_connection
        with pytest.raises(pymysql.OperationalError, match="asked for a file"):
            loading.send(driver, wish, b"another", b"2\tours\n")
    assert not driver.open
    with suppress(DatabaseUnavailable), reading(panel_db.panel) as connection:
        connection.exec_driver_sql(make)
        with pytest.raises(RuntimeError, match="LOAD_LOCAL"):
            connection.exec_driver_sql(wish)
        driver = connection.connection.dbapi_connection
        driver._force_close()
