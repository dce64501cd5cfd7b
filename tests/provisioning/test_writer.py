"""From intent to table on three databases, with a kill and with rivals in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from app.core.database import Databases, reading, writing
from app.core.errors import Conflict, DatabaseUnavailable, InvalidInput
from app.core.settings import Settings
from app.provisioning import changeset, writer
from app.provisioning.changeset import Author
from app.provisioning.tables import change, change_set, push
from tests.provisioning.scene import (
    ANN,
    adding,
    change_behind_our_back,
    changing,
    deleting,
    look,
    only_draft,
    put,
    rule,
    stored,
    submit,
    wish,
    with_nodes,
)


@pytest.fixture
def one_node(settings: Settings) -> Settings:
    return with_nodes(settings, edge="http://127.0.0.1:1/mi")


def test_add_edit_delete(both_dbs: Databases, one_node: Settings) -> None:
    added = submit(both_dbs, one_node, adding(both_dbs, attrs="", timerec=""))
    (row,) = stored(both_dbs)
    assert added.state == "written"
    assert added.edits[0].row_id == str(row["id"])
    assert row["match_exp"] == "^00[1-9][0-9]+$"
    assert row["attrs"] is None and row["timerec"] is None
    assert [push.state for push in added.pushes] == ["waiting"]

    changed = submit(both_dbs, one_node, changing(row, pr=5, repl_exp=r"\0"))
    assert changed.state == "written"
    assert changed.edits[0].before == row
    (row,) = stored(both_dbs)
    assert (row["pr"], row["repl_exp"]) == (5, r"\0")

    gone = submit(both_dbs, one_node, deleting(row))
    assert gone.state == "written"
    assert gone.edits[0].after is None
    assert stored(both_dbs) == []


def test_a_row_that_changed_meanwhile_is_a_conflict(
    both_dbs: Databases, one_node: Settings
) -> None:
    row, other = put(both_dbs), put(both_dbs, dpid=2)
    change_behind_our_back(both_dbs, row["id"], attrs="theirs")
    found = submit(both_dbs, one_node, changing(other, pr=9), changing(row, pr=9))
    assert found.state == "conflict"
    assert "Attributes" in found.problem and "theirs" in found.problem
    # all rows of a change set or none
    assert [one["pr"] for one in stored(both_dbs)] == [1, 1]
    assert found.pushes == ()


def test_case_alone_is_a_difference(both_dbs: Databases, one_node: Settings) -> None:
    """MariaDB's stock tables compare without case; the guard must not."""
    row = put(both_dbs, attrs="intl")
    change_behind_our_back(both_dbs, row["id"], attrs="INTL")
    assert submit(both_dbs, one_node, changing(row, pr=9)).state == "conflict"


def test_a_row_that_was_deleted_meanwhile(both_dbs: Databases, one_node: Settings) -> None:
    row = put(both_dbs)
    change_behind_our_back(both_dbs, row["id"])
    found = submit(both_dbs, one_node, changing(row, pr=9))
    assert found.state == "conflict"
    assert "deleted meanwhile" in found.problem
    # that it is gone is all that a deletion wants
    assert submit(both_dbs, one_node, deleting(row)).state == "written"


def test_what_the_database_would_cut_is_refused(both_dbs: Databases, one_node: Settings) -> None:
    row = put(both_dbs)
    found = submit(both_dbs, one_node, changing(row, match_exp="^0" * 100))
    if both_dbs.switch.dialect.name == "sqlite":
        assert found.state == "written"  # SQLite keeps what it is given
    else:
        assert found.state == "conflict"
        assert stored(both_dbs) == [row]


def test_killed_before_the_write_it_is_finished(both_dbs: Databases, one_node: Settings) -> None:
    row = put(both_dbs)
    ids = [
        only_draft(both_dbs, changing(row, pr=9)),
        only_draft(both_dbs, adding(both_dbs, dpid=4)),
    ]
    assert writer.finish_drafted(both_dbs, one_node) == 2
    assert [look(both_dbs, i).state for i in ids] == ["written", "written"]
    assert [(one["dpid"], one["pr"]) for one in stored(both_dbs)] == [(1, 9), (4, 1)]
    assert writer.finish_drafted(both_dbs, one_node) == 0


class Killed(BaseException):
    """The process ends here."""


def test_killed_between_the_two_commits(
    both_dbs: Databases, one_node: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, doomed = put(both_dbs), put(both_dbs, dpid=2)

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(writer, "_record", die)
    edits = [[adding(both_dbs, dpid=8)], [changing(row, pr=7)], [deleting(doomed)]]
    # the same insert twice: two rows are wanted, and the second must not take the first's
    edits.append([adding(both_dbs, dpid=8)])
    for one in edits:
        with pytest.raises(Killed):
            writer.submit(both_dbs, one_node, wish(one))
    after_kill = stored(both_dbs)
    assert [(one["dpid"], one["pr"]) for one in after_kill] == [(1, 7), (8, 1), (8, 1)]
    monkeypatch.undo()

    assert writer.finish_drafted(both_dbs, one_node) == 4
    assert stored(both_dbs) == after_kill
    with reading(both_dbs.panel) as connection:
        assert set(connection.scalars(select(change_set.c.state))) == {"written"}
        named = connection.scalars(select(change.c.row_id)).all()
        assert connection.scalar(select(func.count()).select_from(push)) == 4
    assert len(set(named)) == 4 and "" not in named


def test_killed_and_then_somebody_else_edits(
    both_dbs: Databases, one_node: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = put(both_dbs)
    set_id = only_draft(both_dbs, changing(row, pr=7))
    change_behind_our_back(both_dbs, row["id"], pr=99)
    writer.finish_drafted(both_dbs, one_node)
    found = look(both_dbs, set_id)
    assert found.state == "conflict" and "99" in found.problem
    assert stored(both_dbs)[0]["pr"] == 99


def test_many_processes_finish_the_same_draft_once(both_dbs: Databases, one_node: Settings) -> None:
    for dpid in range(10, 15):
        only_draft(both_dbs, adding(both_dbs, dpid=dpid))
    with ThreadPoolExecutor(4) as pool:
        settled = list(pool.map(lambda _: writer.finish_drafted(both_dbs, one_node), range(4)))
    assert sum(settled) == 5
    assert sorted(one["dpid"] for one in stored(both_dbs)) == [10, 11, 12, 13, 14]


def test_in_one_database_nothing_can_fall_between(
    dbs: Databases, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(writer, "_record", die)
    with pytest.raises(Killed):
        writer.submit(dbs, settings, wish([adding(dbs)]))
    assert stored(dbs) == []
    monkeypatch.undo()
    assert writer.finish_drafted(dbs, settings) == 1
    assert len(stored(dbs)) == 1


def test_a_second_click_is_the_same_change(both_dbs: Databases, one_node: Settings) -> None:
    draft = wish([adding(both_dbs)], reference="r" * 32)
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _: writer.submit(both_dbs, one_node, draft), range(4)))
    assert len(set(ids)) == 1
    assert len(stored(both_dbs)) == 1
    with writing(both_dbs.panel) as connection, pytest.raises(Conflict):
        changeset.by_reference(connection, "r" * 32, Author("bob"))
    with reading(both_dbs.panel) as connection:
        assert changeset.by_reference(connection, "r" * 32, ANN) == ids[0]


def test_nothing_changed_is_said(dbs: Databases, settings: Settings) -> None:
    row = put(dbs)
    with pytest.raises(InvalidInput, match="Nothing was changed"):
        submit(dbs, settings, changing(row))
    with reading(dbs.panel) as connection:
        assert connection.scalar(select(func.count()).select_from(change_set)) == 0


def test_the_switch_database_is_away(
    both_dbs: Databases, one_node: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change is saved and says why it waits; it is written when the database is back."""
    edit = adding(both_dbs)

    def away(_engine: object) -> None:
        raise DatabaseUnavailable("The database switch does not answer: gone.")

    monkeypatch.setattr(writer, "ping", away)
    found = submit(both_dbs, one_node, edit)
    assert found.state == "drafted" and "does not answer" in found.problem
    assert writer.finish_drafted(both_dbs, one_node) == 0
    monkeypatch.undo()
    assert writer.finish_drafted(both_dbs, one_node) == 1
    found = look(both_dbs, found.id)
    assert found.state == "written" and found.problem == ""


def test_columns_that_we_do_not_know_are_kept(dbs: Databases, settings: Settings) -> None:
    with writing(dbs.switch) as connection:
        connection.exec_driver_sql("ALTER TABLE dialplan ADD COLUMN note VARCHAR(20)")
    row = put(dbs, note="mine")
    submit(dbs, settings, changing(row, pr=3))
    assert stored(dbs)[0]["note"] == "mine"
    assert rule()["pr"] == 1
