"""Accounts on their screens."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text as sql

from app.core.database import Databases, writing
from app.core.money import scale
from app.ledger import account
from tests.identity.people import Browser, sign_in

EUR = scale("EUR")


@pytest.fixture
def anna(panel_db: Databases) -> int:
    """An account with 60 top-ups; another tenant has one too."""
    with writing(panel_db.panel) as connection:
        made = account.create(
            connection, code="anna@a.example", name="Anna Koch", currency="EUR", credit_limit=EUR
        )
        for number in range(60):
            account.top_up(connection, made, EUR, f"paper-{number}", "Bank <b>transfer</b>")
        account.create(connection, tenant_id=2, code="zoe", name="Zoe", currency="USD")
    return made


def test_the_list(panel_db: Databases, anna: int, admin_client: Browser) -> None:
    shown = admin_client.get("/accounts").text
    assert shown.count("data-row-link") == 3  # cash is one too
    assert "60.00" in shown and "61.00" in shown
    for text, expected in (("anna", 1), ("Anna K", 1), ("anna k", 1), ("koch", 0), ("%", 0)):
        found = admin_client.get("/accounts", query_string={"q": text}).text
        assert found.count("data-row-link") == expected, text


def test_one_with_its_postings_page_by_page(
    panel_db: Databases, anna: int, admin_client: Browser
) -> None:
    shown = admin_client.get(f"/accounts/{anna}").text
    assert "paper-59" in shown and "paper-9<" not in shown
    assert "<b>transfer" not in shown
    assert "account=anna@a.example" in shown.replace("%40", "@")
    csv = admin_client.get(f"/accounts/{anna}?format=csv").text
    assert csv.count("paper-") == 60
    assert admin_client.get("/accounts/999").status_code == 404
    assert admin_client.get(f"/accounts/{2**70}").status_code == 404


def test_a_tenant_sees_its_own(
    app: Flask, panel_db: Databases, anna: int, admin_client: Browser
) -> None:
    rita = sign_in(app, "readonly", "rita")
    with writing(panel_db.panel) as connection:
        connection.execute(sql("UPDATE operator SET tenant_id = 2 WHERE login = 'rita'"))
    shown = rita.get("/accounts").text
    assert "zoe" in shown and "anna" not in shown
    assert rita.get(f"/accounts/{anna}").status_code == 404
    assert rita.get(f"/accounts/{anna}?format=csv").status_code == 404
