"""The audit's chain: whoever changes, removes, puts in or moves an entry is found out."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from app.core.database import Databases, reading, writing
from app.identity import audit as log
from app.identity import chain
from app.identity.tables import audit, audit_head
from tests.identity.people import sign_in


def _note(dbs: Databases, count: int = 5) -> None:
    for number in range(count):
        with writing(dbs.panel) as connection:
            log.record(
                connection,
                action="account.topup",
                object=f"account:{number}",
                detail={"units": 10**15 + number, "memo": "Zoë ☎ 'x' \\"},
                before={"balance": "1.00", "password": "hunter2"},
                after={"balance": "2.00", "password": ""},
            )


def _check(dbs: Databases) -> list[str]:
    with reading(dbs.panel) as connection:
        return list(chain.check(connection).violations)


def _do(dbs: Databases, statement: Any) -> None:
    with writing(dbs.panel) as connection:
        connection.execute(statement)


def test_an_untouched_chain_is_whole(panel_db: Databases) -> None:
    assert _check(panel_db) == []
    _note(panel_db)
    with reading(panel_db.panel) as connection:
        finding = chain.check(connection)
    assert (finding.checked, list(finding.violations)) == (5, [])


def test_secrets_are_masked(panel_db: Databases) -> None:
    _note(panel_db, 1)
    with reading(panel_db.panel) as connection:
        row = connection.execute(select(audit)).one()
    assert "hunter2" not in repr(row)
    assert json.loads(row.before) == {"balance": "1.00", "password": log.MASK}
    assert json.loads(row.after) == {"balance": "2.00", "password": ""}


@pytest.mark.parametrize("column", ["actor", "action", "object", "detail", "after", "address"])
def test_a_changed_entry_is_found(panel_db: Databases, column: str) -> None:
    _note(panel_db)
    _do(panel_db, update(audit).where(audit.c.seq == 3).values({column: "else"}))
    assert _check(panel_db) == ["entry 3 or the one before it was changed"]


def test_a_moved_instant_is_found(panel_db: Databases) -> None:
    _note(panel_db)
    _do(panel_db, update(audit).where(audit.c.seq == 2).values(at=audit.c.at - 1))
    assert _check(panel_db) == ["entry 2 or the one before it was changed"]


def test_a_removed_entry_is_found(panel_db: Databases) -> None:
    _note(panel_db)
    _do(panel_db, audit.delete().where(audit.c.seq == 3))
    assert _check(panel_db)[0] == "entries 3 to 3 are missing"


def test_a_removed_end_is_found(panel_db: Databases) -> None:
    _note(panel_db)
    _do(panel_db, audit.delete().where(audit.c.seq >= 4))
    assert _check(panel_db) == ["the chain ends at entry 3, its head says 5"]


def test_removed_and_renumbered_entries_are_found(panel_db: Databases) -> None:
    _note(panel_db)
    _do(panel_db, audit.delete().where(audit.c.seq == 3))
    for number in (4, 5):
        _do(panel_db, update(audit).where(audit.c.seq == number).values(seq=number - 1))
    assert _check(panel_db) != []


def test_swapped_entries_are_found(panel_db: Databases) -> None:
    _note(panel_db)
    for old, new in ((2, 99), (3, 2), (99, 3)):
        _do(panel_db, update(audit).where(audit.c.seq == old).values(seq=new))
    assert _check(panel_db)[0] == "entry 2 or the one before it was changed"


def test_an_entry_put_in_is_found(panel_db: Databases) -> None:
    _note(panel_db)
    with reading(panel_db.panel) as connection:
        row = dict(connection.execute(select(audit).where(audit.c.seq == 5)).mappings().one())
    row |= {"seq": 6, "action": "forged"}
    del row["id"]
    _do(panel_db, audit.insert().values(row))
    wrong = _check(panel_db)
    assert "entry 6 or the one before it was changed" in wrong
    assert "the chain ends at entry 6, its head says 5" in wrong


def test_an_entry_without_its_number_is_found(panel_db: Databases) -> None:
    _note(panel_db)
    _do(panel_db, update(audit).where(audit.c.seq == 5).values(seq=None))
    assert "1 entries lost their number" in _check(panel_db)


def test_a_whole_new_chain_does_not_hold_the_head_that_was_kept(panel_db: Databases) -> None:
    _note(panel_db)
    with reading(panel_db.panel) as connection:
        kept = "{}:{}".format(*chain.head(connection))
        assert chain.holds(connection, kept)
    _do(panel_db, audit.delete())
    _do(panel_db, audit_head.delete())
    _note(panel_db, 7)
    assert _check(panel_db) == []
    with reading(panel_db.panel) as connection:
        assert not chain.holds(connection, kept)
        assert not chain.holds(connection, "x'; --:1")


def test_many_at_once_make_one_chain(panel_db: Databases) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            _note(panel_db, 8)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with reading(panel_db.panel) as connection:
        finding = chain.check(connection)
    assert (finding.checked, list(finding.violations)) == (48, [])


def test_what_is_rolled_back_leaves_no_entry(panel_db: Databases) -> None:
    _note(panel_db, 1)
    with pytest.raises(RuntimeError), writing(panel_db.panel) as connection:
        log.record(connection, action="a.b", object="c:1")
        raise RuntimeError("no")
    with writing(panel_db.panel) as connection:
        connection.execute(text("SELECT 1"))
    with reading(panel_db.panel) as connection:
        assert chain.check(connection).checked == 1
    assert _check(panel_db) == []


def test_the_command_says_when_it_is_broken(app: Flask, databases: Databases) -> None:
    _note(databases)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["audit", "verify"]).exit_code == 0
    kept = runner.invoke(args=["audit", "head"]).output.strip()
    assert runner.invoke(args=["audit", "verify", "--head", kept]).exit_code == 0
    assert runner.invoke(args=["audit", "verify", "--head", "5:0"]).exit_code == 1
    _do(databases, update(audit).where(audit.c.seq == 2).values(actor="nobody"))
    answer = runner.invoke(args=["audit", "verify"])
    assert answer.exit_code == 1
    assert "entry 2" in answer.output


def test_who_did_it_from_where(app: Flask, databases: Databases) -> None:
    sign_in(app, "admin").post("/logout")
    client = sign_in(app, "admin", "second")
    client.post("/logout", data={"csrf_token": client.csrf})
    with reading(databases.panel) as connection:
        row = connection.execute(select(audit).where(audit.c.action == "operator.sign_out")).one()
    assert (row.actor, row.address) == ("second", "127.0.0.1")
    assert row.session and len(row.session) == 12


def test_the_screens_show_what_was_done(app: Flask, databases: Databases) -> None:
    _note(databases, 3)
    client = sign_in(app, "admin")
    page = client.get("/audit").text
    assert "account.topup" in page and "operator.sign_in" in page
    page = client.get("/audit?object=account:1").text
    assert "account:1" in page and "account:2" not in page
    page = client.get("/audit?action=operator.").text
    assert "operator.sign_in" in page and "account.topup" not in page
    assert "account.topup" in client.get("/audit?format=csv&range=any").text
    with reading(databases.panel) as connection:
        number = connection.scalar(select(audit.c.id).where(audit.c.object == "account:1"))
    page = client.get(f"/audit/{number}").text
    assert "1.00" in page and "2.00" in page and "hunter2" not in page
    assert client.get("/audit/999999").status_code == 404
    assert client.get("/audit?range=7d&actor=nobody").status_code == 200


def test_a_look_at_a_call_and_an_export_are_noted(app: Flask, databases: Databases) -> None:
    from app.opensips.tables import create_opensips_tables
    from tests.cdr.calls import call, put

    create_opensips_tables(databases.switch)
    put(databases, call())
    client = sign_in(app, "admin")
    assert client.get("/cdr/1").status_code == 200
    assert client.get("/cdr").status_code == 200
    assert client.get("/cdr?format=csv").status_code == 200
    with reading(databases.panel) as connection:
        seen = connection.execute(select(audit.c.action, audit.c.object).order_by(audit.c.id))
        assert [tuple(row) for row in seen][1:] == [
            ("call.viewed", "call:1"),
            ("calls.exported", "calls"),
        ]
