"""Subscribers on their screens: no secrets, own domains only, missing tables named."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text as sql

from app.core import clock
from app.core.database import Databases, writing
from app.identity.tables import tenant, tenant_domain
from app.opensips.asking import stock
from tests.identity.people import Browser, sign_in


def put(dbs: Databases, *addresses: str) -> None:
    """Subscribers ``user@domain``, each with a secret."""
    with writing(dbs.switch) as connection:
        for address in addresses:
            user, _, domain = address.partition("@")
            row = {"username": user, "domain": domain, "password": "SECRET"}
            row |= {"ha1": "SECRET", "ha1_sha256": "SECRET", "ha1_sha512t256": "SECRET"}
            connection.execute(stock()["subscriber"].insert().values(row))


@pytest.fixture
def panel(both_dbs: Databases, admin_client: Browser) -> Browser:
    put(both_dbs, "bob@b.example", "anna@a.example", "anna@b.example", "anna_x@a.example")
    return admin_client


def test_the_list_is_searched_and_paged(both_dbs: Databases, panel: Browser) -> None:
    put(both_dbs, *(f"user{n:03d}@many.example" for n in range(60)))
    found = panel.get("/subscribers").text
    assert found.index("anna@a.example") < found.index("bob@b.example")
    assert found.count("data-row-link") == 50
    older = panel.get("/subscribers?q=user").text
    assert "anna" not in older.partition("<main")[2]
    for text, expected in (
        ("anna", 3),
        ("anna@", 2),
        ("anna@a", 1),
        ("sip:anna@a.example", 1),
        ("anna_", 1),
        ("%", 0),
        ("a.ex", 2),
        ("nobody", 0),
    ):
        shown = panel.get("/subscribers", query_string={"q": text}).text
        assert shown.count("data-row-link") == expected, text
    assert "No subscriber" in panel.get("/subscribers?q=nobody").text


def test_one_has_its_aliases_and_groups_and_no_secret(both_dbs: Databases, panel: Browser) -> None:
    with writing(both_dbs.switch) as connection:
        mine = {"username": "bob", "domain": "b.example"}
        alias = {"alias_username": "4930", "alias_domain": "b.example"}
        connection.execute(stock()["dbaliases"].insert().values(mine | alias))
        group = {"grp": "international", "last_modified": clock.to_datetime(clock.now_ms())}
        group["last_modified"] = group["last_modified"].replace(tzinfo=None)
        connection.execute(stock()["grp"].insert().values(mine | group))
    shown = panel.get("/subscribers/1").text
    assert "4930@b.example" in shown and "international" in shown
    assert "/cdr?caller=bob" in shown
    csv = panel.get("/subscribers?format=csv").text
    assert "SECRET" not in shown + csv + panel.get("/subscribers").text
    assert panel.get("/subscribers/999").status_code == 404


def test_tables_that_are_missing_are_named(both_dbs: Databases, panel: Browser) -> None:
    with writing(both_dbs.switch) as connection:
        connection.execute(sql("DROP TABLE grp"))
    assert "has no table grp" in panel.get("/subscribers/1").text
    with writing(both_dbs.switch) as connection:
        connection.execute(sql("DROP TABLE subscriber"))
    answer = panel.get("/subscribers")
    assert answer.status_code == 503
    assert "PANEL_OPENSIPS_DATABASE_URL" in answer.text


def test_a_tenant_sees_the_subscribers_of_its_domains(
    app: Flask, both_dbs: Databases, panel: Browser
) -> None:
    rita = sign_in(app, "readonly", "rita")
    with writing(both_dbs.panel) as connection:
        connection.execute(sql("UPDATE operator SET tenant_id = 2 WHERE login = 'rita'"))
    assert "data-row-link" not in rita.get("/subscribers").text
    with writing(both_dbs.panel) as connection:
        connection.execute(tenant.insert().values(id=2, name="R", created_at=1))
        connection.execute(tenant_domain.insert().values(domain="a.example", tenant_id=2))
    shown = rita.get("/subscribers").text
    assert shown.count("data-row-link") == 2 and "b.example" not in shown
    assert rita.get("/subscribers/1").status_code == 404
    assert rita.get("/subscribers/2").status_code == 200
