"""Gateways on their screens, and who uses them."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text as sql

from app.core.database import Databases, writing
from app.opensips.asking import stock
from app.routing import gateway_uses
from tests.identity.people import Browser, sign_in


@pytest.fixture
def panel(both_dbs: Databases, admin_client: Browser) -> Browser:
    with writing(both_dbs.switch) as connection:
        for number, name in enumerate(("gw1", "gw10", "gw2")):
            connection.execute(
                stock()["dr_gateways"]
                .insert()
                .values(
                    gwid=name,
                    type=0,
                    address=f"192.0.2.{number}:5060",
                    strip=0,
                    probe_mode=0,
                    state=number,
                    description="<b>Nord</b>",
                )
            )
        carriers = stock()["dr_carriers"].insert()
        for name, members in (("c1", "gw1=50,gw2"), ("c10", "gw10"), ("c2", "gw2")):
            connection.execute(carriers.values(carrierid=name, gwlist=members, flags=0, state=0))
        rules = stock()["dr_rules"].insert()
        for prefix, members in (("49", "#c1"), ("33", "gw1;gw2"), ("44", "#c10"), ("1", "gw10")):
            connection.execute(rules.values(groupid="0", prefix=prefix, priority=0, gwlist=members))
    return admin_client


def test_the_list(panel: Browser) -> None:
    shown = panel.get("/gateways").text
    assert shown.count("data-row-link") == 3
    assert "in use" in shown and "disabled" in shown and "probed" in shown
    assert "<b>Nord" not in shown
    assert panel.get("/gateways?q=192.0.2.2").text.count("data-row-link") == 1
    assert panel.get("/gateways?q=%25").text.count("data-row-link") == 0


def test_who_uses_one(both_dbs: Databases, panel: Browser) -> None:
    uses = gateway_uses.of(both_dbs.switch, "gw1")
    assert [row["carrierid"] for row in uses.carriers] == ["c1"]
    assert [row["prefix"] for row in uses.rules] == ["33", "49"]
    assert uses.trouble == ""
    shown = panel.get("/gateways/1").text
    assert "c1" in shown and "c10" not in shown and "<b>Nord" not in shown
    assert panel.get("/gateways/99").status_code == 404


def test_members_of_a_gwlist() -> None:
    assert gateway_uses.members("gw1=50, gw2;#c1=3") == ["gw1", "gw2", "#c1"]
    assert gateway_uses.members(None) == []


def test_tables_that_are_missing(both_dbs: Databases, panel: Browser) -> None:
    with writing(both_dbs.switch) as connection:
        connection.execute(sql("DROP TABLE dr_rules"))
        connection.execute(sql("DROP TABLE dr_carriers"))
    assert "No rule leads here" in panel.get("/gateways/1").text
    with writing(both_dbs.switch) as connection:
        connection.execute(sql("DROP TABLE dr_gateways"))
    answer = panel.get("/gateways")
    assert answer.status_code == 503 and "dr_gateways" in answer.text


def test_gateways_are_the_houses(app: Flask, both_dbs: Databases, panel: Browser) -> None:
    rita = sign_in(app, "readonly", "rita")
    assert rita.get("/gateways").status_code == 200
    with writing(both_dbs.panel) as connection:
        connection.execute(sql("UPDATE operator SET tenant_id = 2 WHERE login = 'rita'"))
    assert rita.get("/gateways").status_code == 403
    assert rita.get("/gateways/1").status_code == 403
