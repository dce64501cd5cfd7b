"""Deny by default: what a view does not allow is refused, and a view that says nothing too."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.identity import access, roles
from tests.identity.people import sign_in


def test_an_unknown_permission_is_refused_at_import() -> None:
    with pytest.raises(ValueError, match="cdr.raed"):
        access.requires("cdr.raed")


def test_every_view_says_who_may_see_it(app: Flask) -> None:
    silent = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and access.demand_of(app.view_functions[rule.endpoint]) is None
    ]
    assert silent == []


def test_a_view_that_says_nothing_is_refused_even_to_an_admin(app: Flask) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    client = sign_in(app, "admin")
    answer = client.get("/forgotten")
    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_strangers_are_sent_to_the_sign_in_page(client: FlaskClient) -> None:
    answer = client.get("/cdr?domain=example.com")
    assert answer.status_code == 303
    assert answer.location == "/login?next=/cdr?domain%3Dexample.com"


def test_machines_are_told_in_problem_json(client: FlaskClient) -> None:
    answer = client.get("/cdr", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None and answer.json["code"] == "sign_in_needed"


def test_a_fragment_for_a_stranger_leads_the_whole_page_to_the_sign_in(client: FlaskClient) -> None:
    answer = client.get("/jobs/running", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login")


def test_who_reads_only_cannot_replay(app: Flask) -> None:
    client = sign_in(app, "readonly")
    assert client.get("/suspense").status_code == 200
    answer = client.post("/suspense/1/replay", data={"csrf_token": client.csrf})
    assert answer.status_code == 403
    assert "readonly" in answer.text


def test_admin_has_every_permission_and_readonly_no_write() -> None:
    assert roles.ROLES["admin"] == roles.PERMISSIONS
    writes = {name for name in roles.ROLES["readonly"] if not name.endswith(".read")}
    assert writes == {"self.write"}
