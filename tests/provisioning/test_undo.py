"""Taking a change back on three databases: what it restores, what it refuses, what it records."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.database import Databases, reading
from app.core.errors import Conflict
from app.core.settings import Settings
from app.identity.tables import audit
from app.provisioning import changeset, undo, writer
from app.provisioning.changeset import ChangeSet
from tests.identity.people import Browser, sign_in
from tests.provisioning.scene import (
    ANN,
    adding,
    change_behind_our_back,
    changing,
    deleting,
    look,
    only_draft,
    put,
    stored,
    submit,
    with_nodes,
)


@pytest.fixture
def one_node(settings: Settings) -> Settings:
    return with_nodes(settings, edge="http://127.0.0.1:1/mi")


@pytest.fixture
def ann(app: Flask) -> Browser:
    return sign_in(app, "admin")


def undone(dbs: Databases, settings: Settings, found: ChangeSet) -> ChangeSet:
    return look(dbs, undo.submit(dbs, settings, look(dbs, found.id), ANN))


def test_add_change_and_delete_are_taken_back(both_dbs: Databases, one_node: Settings) -> None:
    row, doomed = put(both_dbs), put(both_dbs, dpid=2, attrs=None)
    made = submit(
        both_dbs, one_node, changing(row, pr=9), deleting(doomed), adding(both_dbs, dpid=3)
    )
    assert [one["dpid"] for one in stored(both_dbs)] == [1, 3]
    back = undone(both_dbs, one_node, made)
    # the deleted one has its number again: what refers to it finds it
    assert stored(both_dbs) == [row, doomed]
    assert back.state == "written" and undo.undoes(back) == made.id
    assert [push.state for push in back.pushes] == ["waiting"]
    assert "Undo of change" in back.comment


def test_an_undo_can_be_undone(both_dbs: Databases, one_node: Settings) -> None:
    row = put(both_dbs)
    back = undone(both_dbs, one_node, submit(both_dbs, one_node, deleting(row)))
    again = undone(both_dbs, one_node, back)
    assert stored(both_dbs) == [] and undo.undoes(again) == back.id
    assert undone(both_dbs, one_node, again).state == "written"
    assert stored(both_dbs) == [row]


def test_what_somebody_changed_since_stays(both_dbs: Databases, one_node: Settings) -> None:
    row, other = put(both_dbs), put(both_dbs, dpid=2)
    made = submit(both_dbs, one_node, changing(row, pr=9), changing(other, pr=9))
    change_behind_our_back(both_dbs, row["id"], attrs="theirs")
    before = stored(both_dbs)
    with pytest.raises(Conflict, match="changed meanwhile by somebody else: “Attributes”"):
        undone(both_dbs, one_node, made)
    assert stored(both_dbs) == before
    change_behind_our_back(both_dbs, row["id"])
    with pytest.raises(Conflict, match="was deleted meanwhile"):
        undone(both_dbs, one_node, made)


def test_a_number_that_is_taken_again(both_dbs: Databases, one_node: Settings) -> None:
    row = put(both_dbs)
    made = submit(both_dbs, one_node, deleting(row))
    put(both_dbs, id=row["id"], attrs="somebody's")
    with pytest.raises(Conflict, match="is there again"):
        undone(both_dbs, one_node, made)
    assert [one["attrs"] for one in stored(both_dbs)] == ["somebody's"]


def test_only_once(both_dbs: Databases, one_node: Settings) -> None:
    row = put(both_dbs)
    made = submit(both_dbs, one_node, changing(row, pr=9))
    back = undone(both_dbs, one_node, made)
    with pytest.raises(Conflict, match=f"undone already, by change {back.id}"):
        undone(both_dbs, one_node, made)


def test_what_was_never_written(both_dbs: Databases, one_node: Settings) -> None:
    row = put(both_dbs)
    drafted = look(both_dbs, only_draft(both_dbs, changing(row, pr=9)))
    with pytest.raises(Conflict, match="never written"):
        undone(both_dbs, one_node, drafted)


def test_somebody_is_faster_after_the_look(
    both_dbs: Databases, one_node: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer's guard refuses; once the row is as it was left, undo may be tried again."""
    row = put(both_dbs)
    made = submit(both_dbs, one_node, changing(row, pr=9))
    with monkeypatch.context() as patch:
        patch.setattr(undo, "check", lambda *_: None)
        change_behind_our_back(both_dbs, row["id"], attrs="theirs")
        assert undone(both_dbs, one_node, made).state == "conflict"
    change_behind_our_back(both_dbs, row["id"], attrs="intl")
    assert undone(both_dbs, one_node, made).state == "written"
    assert stored(both_dbs) == [row]


def test_killed_between_the_two_commits_of_an_undo(
    both_dbs: Databases, one_node: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    row = put(both_dbs)
    made = submit(both_dbs, one_node, deleting(row))
    with monkeypatch.context() as patch:
        patch.setattr(writer, "_record", die)
        with pytest.raises(Killed):
            undone(both_dbs, one_node, made)
    assert stored(both_dbs) == [row]
    assert writer.finish_drafted(both_dbs, one_node) == 1
    with reading(both_dbs.panel) as connection:
        other = undo.undone_by(connection, made.id)
        assert other is not None and changeset.get(connection, other).state == "written"
    assert stored(both_dbs) == [row]


def test_on_the_changes_page(ann: Browser, databases: Databases, settings: Settings) -> None:
    row = put(databases)
    made = submit(databases, settings, deleting(row))
    address = f"/changes/{made.id}"
    assert f'href="{address}/undo"' in ann.get(address).text
    question = ann.get(f"{address}/undo")
    assert "Undo change" in question.text and "^00[1-9][0-9]+$" in question.text
    assert stored(databases) == [], "a question changes nothing"
    answers = [ann.post(f"{address}/undo", data={"csrf_token": ann.csrf}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location, "a double click"
    assert stored(databases) == [row]
    page = ann.get(address).text
    assert "was undone by" in page and f'href="{address}/undo"' not in page
    assert ann.get(f"{address}/undo").status_code == 409
    assert "This undoes change" in ann.get(answers[0].location).text
    with reading(databases.panel) as connection:
        noted = connection.execute(select(audit).where(audit.c.action == "dialplan.undo")).one()
    assert json.loads(noted.detail) == {"undoes": made.id}


def test_a_refused_undo_says_why(ann: Browser, databases: Databases, settings: Settings) -> None:
    row = put(databases)
    made = submit(databases, settings, changing(row, pr=9))
    change_behind_our_back(databases, row["id"], attrs="theirs")
    answer = ann.post(f"/changes/{made.id}/undo", data={"csrf_token": ann.csrf})
    assert answer.status_code == 409 and "changed meanwhile by somebody else" in answer.text
