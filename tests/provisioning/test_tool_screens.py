"""The screens that a declaration gives, walked through with a second tool and in bulk."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.database import Databases, reading
from app.identity.tables import audit
from app.opensips.tables import KNOWN_VERSIONS, reflect
from app.provisioning import changeset, rows
from app.provisioning.tools.registry import TOOLS
from tests.identity.people import Browser, sign_in
from tests.provisioning.domains.views import DOMAINS, make
from tests.provisioning.scene import change_behind_our_back, put, stored


@pytest.fixture
def ann(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Browser:
    monkeypatch.setitem(KNOWN_VERSIONS, "domain", {4})
    monkeypatch.setitem(TOOLS, "domain", DOMAINS)
    app.register_blueprint(make())
    return sign_in(app, "admin")


def sent(page: str) -> dict[str, str]:
    """What the form of a page carries unseen."""
    form = page[page.index("<form", page.index("<main")) :]
    found = re.findall(r'type="hidden" name="(\w+)" (?:id="\w+" )?[^>]*value="([^"]*)"', form)
    found += re.findall(r'name="(csrf_token|seen|reference)" type="hidden" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def domains(dbs: Databases) -> list[dict[str, Any]]:
    with reading(dbs.switch) as connection:
        table = reflect(connection, "domain")
        found = connection.execute(select(table).order_by(table.c.id)).mappings()
        return [rows.plain(row) for row in found]


def test_a_second_table_from_list_to_undo(both_dbs: Databases, ann: Browser) -> None:
    assert "No rows yet" in ann.get("/domains").text
    page = ann.get("/domains/new").text
    wrong = ann.post("/domains/new", data=sent(page) | {"domain": "", "attrs": "mine"})
    assert wrong.status_code == 422 and 'href="#domain">Domain is needed.' in wrong.text
    assert 'value="mine"' in wrong.text and domains(both_dbs) == []
    answer = ann.post("/domains/new", data=sent(page) | {"domain": "a.example", "attrs": ""})
    (row,) = domains(both_dbs)
    assert (row["domain"], row["attrs"], row["accept_subdomain"]) == ("a.example", None, 0)
    assert "Domain" in ann.get(answer.location).text

    listing = ann.get("/domains?q=A.EX").text
    assert "a.example" in listing and "What this switch answers for" in listing
    assert "bulk/enable" not in listing and "bulk/delete" in listing
    page = ann.get(f"/domains/{row['id']}").text
    assert "What this switch" not in page and 'value="a.example"' in page
    changed = {"domain": "b.example", "accept_subdomain": "y"}
    assert ann.post(f"/domains/{row['id']}", data=sent(page) | changed).status_code == 303
    assert domains(both_dbs) == [row | {"domain": "b.example", "accept_subdomain": 1}]
    assert 'value="b.example"' in ann.get(f"/domains/new?from={row['id']}").text

    page = ann.get(f"/domains/{row['id']}/delete").text
    assert "b.example" in page
    gone = ann.post(f"/domains/{row['id']}/delete", data=sent(page))
    assert domains(both_dbs) == []
    back = ann.post(f"{gone.location}/undo", data={"csrf_token": ann.csrf})
    assert back.status_code == 303
    assert domains(both_dbs) == [row | {"domain": "b.example", "accept_subdomain": 1}]
    assert ann.get(f"/domains/{row['id']}").status_code == 200
    assert ann.get("/domains/999999999999").status_code == 404


def bulk(ann: Browser, deed: str, *ids: int, **more: str) -> Any:
    chosen = {"csrf_token": ann.csrf, "ids": [str(row_id) for row_id in ids]}
    return ann.post(f"/dialplan/bulk/{deed}", data=chosen | more)


def test_many_at_once_are_one_change_set(both_dbs: Databases, ann: Browser) -> None:
    ids = [put(both_dbs, dpid=dpid)["id"] for dpid in (1, 2, 3)]
    question = bulk(ann, "disable", *ids[:2])
    assert question.status_code == 200
    assert "Disable 2 rows?" in question.text and "dialplan 2, priority 1" in question.text
    assert [row["disabled"] for row in stored(both_dbs)] == [0, 0, 0], "asked, not done"
    agreed = {name: sent(question.text)[name] for name in ("seen", "reference")}
    first = bulk(ann, "disable", *ids[:2], **agreed, comment="night")
    again = bulk(ann, "disable", *ids[:2], **agreed)
    assert first.status_code == 303 and first.location == again.location
    assert [row["disabled"] for row in stored(both_dbs)] == [1, 1, 0]
    with reading(both_dbs.panel) as connection:
        made = changeset.get(connection, int(first.location.rsplit("/", 1)[1]))
        noted = connection.execute(
            select(audit.c.detail).where(audit.c.action == "dialplan.disable")
        ).all()
    assert (made.comment, len(made.edits)) == ("night", 2)
    assert len(noted) == 1 and len(json.loads(noted[0].detail)["rows"]) == 2
    assert "Disable dialplan 1" in ann.get("/changes").text

    question = bulk(ann, "delete", *ids)
    assert "btn-danger-solid" in question.text and "Delete 3 rows" in question.text
    agreed = {name: sent(question.text)[name] for name in ("seen", "reference")}
    gone = bulk(ann, "delete", *ids, **agreed)
    assert stored(both_dbs) == []
    ann.post(f"{gone.location}/undo", data={"csrf_token": ann.csrf})
    assert [row["id"] for row in stored(both_dbs)] == ids


def test_many_at_once_refuse_what_changed_meanwhile(databases: Databases, ann: Browser) -> None:
    ids = [put(databases, dpid=dpid)["id"] for dpid in (1, 2)]
    agreed = sent(bulk(ann, "delete", *ids).text)
    change_behind_our_back(databases, ids[0], attrs="theirs")
    answer = bulk(ann, "delete", *ids, seen=agreed["seen"], reference=agreed["reference"])
    assert answer.status_code == 409 and len(stored(databases)) == 2


def test_many_at_once_of_nothing(databases: Databases, ann: Browser) -> None:
    row_id = put(databases)["id"]
    assert bulk(ann, "delete").status_code == 400
    assert bulk(ann, "delete", 2**40).status_code == 400
    assert bulk(ann, "enable", row_id).status_code == 303
    assert "Nothing to do" in ann.get("/dialplan").text
    bob = sign_in(ann.application, "readonly")
    assert bulk(bob, "delete", row_id).status_code == 403
    assert len(stored(databases)) == 1


def test_a_toast_offers_the_way_back(databases: Databases, ann: Browser) -> None:
    row = put(databases)
    page = ann.get("/dialplan?dpid=1").text
    carried = {
        name: re.search(rf'name="{name}" value="([^"]+)"', page)[1]  # type: ignore[index]
        for name in ("seen", "reference", "query")
    }
    address = f"/dialplan/{row['id']}/state"
    answer = ann.post(address, data=carried | {"csrf_token": ann.csrf})
    assert answer.location == "/dialplan?dpid=1", "back to the list as it was"
    said = ann.get(answer.location).text
    way = re.search(r'<form method="post" action="(/changes/\d+/undo)"', said)
    assert way is not None and "Saved: Disable dialplan 1" in said
    ann.post(way[1], data={"csrf_token": ann.csrf})
    assert stored(databases) == [row]
