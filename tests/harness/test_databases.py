"""The harness itself: databases are clean for every test, whatever the test before did."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, text

from app.core.database import Databases, reading, writing
from app.ledger import tables as ledger
from app.opensips.tables import reflect


def _count(dbs: Databases, table: str) -> int:
    with reading(dbs.panel) as connection:
        return int(connection.execute(text("SELECT COUNT(*) FROM " + table)).scalar_one())


@pytest.mark.parametrize("_again", range(2))
def test_rows_of_another_test_are_gone(panel_db: Databases, _again: int) -> None:
    assert _count(panel_db, "account") == 0
    with writing(panel_db.panel) as connection:
        connection.execute(
            ledger.account.insert().values(
                code="a", name="a", kind="customer", mode="prepaid", currency="EUR", created_at=0
            )
        )
    assert _count(panel_db, "account") == 1


@pytest.mark.parametrize("_again", range(2))
def test_changed_tables_are_made_anew(panel_db: Databases, _again: int) -> None:
    assert not inspect(panel_db.panel).has_table("left_over")
    with writing(panel_db.panel) as connection:
        connection.execute(text("CREATE TABLE left_over (id INTEGER)"))
        connection.execute(text("ALTER TABLE account ADD COLUMN left_over INTEGER"))


@pytest.mark.parametrize("_again", range(2))
def test_opensips_tables_keep_their_version_rows(both_dbs: Databases, _again: int) -> None:
    version = reflect(both_dbs.switch, "version")
    with writing(both_dbs.switch) as connection:
        known = {row.table_name: row.table_version for row in connection.execute(version.select())}
        assert known["acc"] == 7
        connection.execute(version.delete())


def test_two_databases_are_two(both_dbs: Databases) -> None:
    assert not inspect(both_dbs.panel).has_table("acc")
    assert inspect(both_dbs.switch).has_table("acc")
