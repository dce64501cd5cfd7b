"""The global search: what each kind is found by, who sees it, and what happens when one fails."""

from __future__ import annotations

import logging
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import text as sql

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.numbering import NumberPlan, typed
from app.core.patience import hurried
from app.identity.tables import tenant, tenant_domain
from app.ledger import account
from app.mediation.tables import suspense
from app.opensips.asking import stock
from app.shell import search
from tests.cdr.calls import call, failed, put
from tests.identity.people import Browser, sign_in

NUMBER = "493023125001"


@pytest.fixture(autouse=True)
def _a_busy_machine_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "DEADLINE_S", 30.0)
    for room in ("cdr", "subscribers", "billing", "routing", "provisioning", "mediation"):
        monkeypatch.setattr(f"app.{room}.lookup.PATIENCE_S", 30.0)


@pytest.fixture
def panel(both_dbs: Databases, app: Flask) -> Databases:
    """A call each way, a subscriber, a gateway, a rule, an account, a suspense entry."""
    now = clock.now_ms()
    put(
        both_dbs,
        call(caller=NUMBER, callee="33612345678", call_id="Ab-1@host", setup_at=now - clock.HOUR),
        failed(caller="4989000111", callee="4989000222", call_id="other@host", setup_at=now),
        failed(caller="4989000112", callee="4989000222", call_id="other@host", setup_at=now),
    )
    with writing(both_dbs.panel) as connection:
        connection.execute(tenant.insert().values(id=2, name="Reseller", created_at=now))
        connection.execute(tenant_domain.insert().values(domain="theirs.example", tenant_id=2))
        account.create(connection, code="anna@ours.example", name="Anna Koch", currency="EUR")
        account.create(connection, tenant_id=2, code="zoe@theirs.example", currency="EUR")
        connection.execute(
            suspense.insert().values(
                source_id=1,
                epoch=1,
                table_name="acc",
                acc_id=1,
                call_id="lost@host",
                at=now,
                seen_at=now,
                reason="no_bye",
                row="{}",
            )  # fmt: skip
        )
    with writing(both_dbs.switch) as connection:
        for user, domain in (("anna", "ours.example"), ("zoe", "theirs.example")):
            row = {"username": user, "domain": domain, "password": "SECRET", "ha1": "SECRET"}
            row |= {"ha1_sha256": "", "ha1_sha512t256": ""}
            connection.execute(stock()["subscriber"].insert().values(row))
        connection.execute(
            stock()["dr_gateways"]
            .insert()
            .values(
                gwid="gw-nord", type=0, address="192.0.2.7:5060", strip=0, probe_mode=0, state=0
            )
        )
        connection.execute(
            stock()["dialplan"].insert().values(
                dpid=3, pr=1, match_op=1, match_exp="^0800[0-9]+$", match_flags=0, disabled=0
            )
        )  # fmt: skip
    return both_dbs


@pytest.fixture
def admin(panel: Databases, admin_client: Browser) -> Browser:
    return admin_client


def goes(client: Browser, text: str) -> str:
    """Where a search leads at once; empty when it shows a page."""
    answer = client.get("/search", query_string={"q": text})
    assert answer.status_code in (200, 303), answer.text
    return answer.headers.get("Location", "")


def page(client: Browser, text: str) -> str:
    answer = client.get("/search", query_string={"q": text, "all": "1"})
    assert answer.status_code == 200, answer.text
    return answer.text


WRITINGS = [
    "+49 30 23125-001",
    "0049 30 23125 001",
    "030/23125001",
    "+49 (0)30 23125\u2011001",
    "tel:+493023125001",
    NUMBER,
]


@pytest.mark.parametrize("writing_", WRITINGS)
def test_numbers_are_read_in_any_writing(writing_: str) -> None:
    assert typed(writing_, NumberPlan("49", "0")) == NUMBER


def test_everything_is_gone_to_at_once_where_one_fits(admin: Browser) -> None:
    for text in (WRITINGS[0], WRITINGS[2]):
        target = urlsplit(goes(admin, text))
        assert target.path == "/cdr"
        assert parse_qs(target.query) == {"caller": [NUMBER], "range": ["90d"]}
    for text in ("Ab-1@host", "Call-ID: Ab-1@host", "i: Ab-1@host", "Ab-1@host|tag"):
        assert goes(admin, text).startswith("/cdr/"), text
    assert goes(admin, "lost@host").startswith("/suspense/")
    assert goes(admin, "zoe").startswith("/subscribers/")
    for text in ("sip:zoe@theirs.example", "<sip:zoe@theirs.example:5060;transport=tcp>"):
        assert goes(admin, text).startswith("/subscribers/"), text
    for text in ("gw-nord", "192.0.2.7", "192.0.2.7:5060"):
        assert goes(admin, text).startswith("/gateways/"), text
    assert goes(admin, "Anna Koch").startswith("/accounts/")
    assert goes(admin, "rule 1").startswith("/dialplan/1")
    assert goes(admin, "dialplan") == "/dialplan"
    assert goes(admin, "JOBS") == "/jobs"
    assert goes(admin, "password") == "/account"


def test_several_that_fit_are_shown(admin: Browser) -> None:
    assert page(admin, "other@host").count("data-row-link") == 2
    # an account and a subscriber of that name
    assert goes(admin, "anna@ours.example") == ""
    found = page(admin, "anna@ours.example")
    assert "/subscribers/" in found and "/accounts/" in found
    assert goes(admin, "0800") == ""
    assert "Rule 1 of dialplan 3" in page(admin, "0800")


def test_part_of_a_number_finds_what_starts_so(admin: Browser) -> None:
    found = page(admin, "089 000")
    assert "Calls from numbers that start with +4989000" in found
    assert "caller=4989000%2A" in found.replace("*", "%2A")
    assert "Calls to +4989000222" in page(admin, "089*")
    assert "data-row-link" not in page(admin, "077777")


def test_a_number_finds_whom_its_alias_leads_to(panel: Databases, admin: Browser) -> None:
    with writing(panel.switch) as connection:
        alias = {"alias_username": "493023125002", "alias_domain": "theirs.example"}
        alias |= {"username": "zoe", "domain": "theirs.example"}
        connection.execute(stock()["dbaliases"].insert().values(alias))
    assert goes(admin, "030 23125-002").startswith("/subscribers/")


def test_an_address_says_what_can_be_searched(admin: Browser) -> None:
    assert "cannot be searched by IP address" in page(admin, "198.51.100.77")
    assert "cannot be searched by IP address" in page(admin, "2001:db8::1")
    assert "cannot be searched by IP address" not in page(admin, "anna")


def test_nothing_found_teaches(admin: Browser) -> None:
    for text in ("", "nothing-like-it"):
        answer = admin.get("/search", query_string={"q": text})
        assert "a Call-ID, with its header or tag" in answer.text
        assert "data-row-link" not in answer.text


def test_secrets_are_never_read(admin: Browser) -> None:
    shown = [page(admin, "anna"), admin.get("/subscribers").text, admin.get("/subscribers/1").text]
    assert all("SECRET" not in text and "ha1" not in text for text in shown)


HOSTILE = [
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "%",
    "_%_",
    "\\",
    "\u202eevil",
    "9" * 300,
    "rule 99999999999999999",
    "change 99999999999999999",
    "call 999999999999999999",
    "((((((",
    "@",
    "*",
    "sip:",
    "\ufdfa" * 20,
]


def test_hostile_text_is_only_text(admin: Browser) -> None:
    for text in HOSTILE:
        found = page(admin, text)
        assert "<script>alert" not in found, text
        assert "could not be searched" not in found, text
    asked = {"HX-Request": "true"}
    answer = admin.get("/search/suggest", query_string={"q": HOSTILE[0]}, headers=asked)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


def test_wildcards_find_themselves_only(admin: Browser) -> None:
    assert "gw-nord" not in page(admin, "gw%nord")
    assert "zoe@" not in page(admin, "zo_")


def _of_tenant_two(app: Flask, dbs: Databases) -> Browser:
    other = sign_in(app, "admin", "rita")
    with writing(dbs.panel) as connection:
        connection.execute(sql("UPDATE operator SET tenant_id = 2 WHERE login = 'rita'"))
    return other


def test_tenants_find_only_their_own(app: Flask, panel: Databases, admin: Browser) -> None:
    rita = _of_tenant_two(app, panel)
    assert goes(rita, "zoe").startswith("/subscribers/")
    assert goes(rita, "zoe@theirs.example") == ""
    for text in ("anna", NUMBER, "Ab-1@host", "gw-nord", "lost@host", "Anna Koch", "suspense 1"):
        assert "data-row-link" not in page(rita, text), text
    assert rita.get("/subscribers/1").status_code == 404
    assert rita.get("/accounts/1").status_code == 404
    assert rita.get("/gateways").status_code == 403
    assert "anna" not in rita.get("/subscribers").text
    assert "anna" not in rita.get("/accounts").text


def test_a_role_finds_what_it_may_read(
    panel: Databases, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.identity import roles

    poor = frozenset({"home.read", "self.write", "cdr.read"})
    monkeypatch.setitem(roles.ROLES, "admin", poor)
    for text in ("zoe", "gw-nord", "Anna Koch", "rule 1", "lost@host", "dialplan"):
        assert "data-row-link" not in page(admin, text), text
    assert goes(admin, "Ab-1@host").startswith("/cdr/")


def test_who_may_not_edit_is_shown_the_list(app: Flask, panel: Databases, admin: Browser) -> None:
    reader = sign_in(app, "readonly")
    assert goes(reader, "rule 1").startswith("/dialplan?dpid=3")
    assert reader.get(goes(reader, "rule 1")).status_code == 200


def test_one_that_fails_says_so_and_the_others_answer(
    panel: Databases, admin: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with writing(panel.switch) as connection:
        connection.execute(sql("DROP TABLE subscriber"))
    with caplog.at_level(logging.INFO):
        found = page(admin, "anna")
    assert "has no table &#39;subscriber&#39;" in found
    assert "/accounts/" in found
    assert "anna" not in caplog.text


def test_one_that_hangs_is_not_waited_for(
    panel: Databases, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    over = threading.Event()
    registry = admin.application.extensions["search"]
    slow = search.Provider("Slow", "home.read", lambda *_: over.wait(20) and [], database="slow")
    monkeypatch.setattr(registry, "providers", [slow, *registry.providers])
    monkeypatch.setattr(search, "DEADLINE_S", 2.0)
    found = page(admin, "jobs")
    over.set()
    assert "No answer in time" in found
    assert "/jobs" in found


def test_statements_end_in_time(both_dbs: Databases) -> None:
    endless = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT count(*) FROM n",
        "mysql": "SELECT SLEEP(20)",
        "postgresql": "SELECT pg_sleep(20)",
    }
    engine = both_dbs.switch
    kind = {"mariadb": "mysql"}.get(engine.dialect.name, engine.dialect.name)
    started = clock.now_ms()
    try:
        with hurried(engine, 0.2) as connection:
            connection.execute(sql(endless[kind])).all()
    except Exception as exc:
        assert "sql" in type(exc).__module__
    assert clock.now_ms() - started < 10_000
    with reading(engine) as connection:
        assert connection.scalar(sql("SELECT 1")) == 1


def test_suggestions(admin: Browser) -> None:
    asked = {"HX-Request": "true"}
    assert admin.get("/search/suggest?q=a", headers=asked).status_code == 204
    answer = admin.get("/search/suggest?q=anna", headers=asked)
    assert answer.text.count('role="option"') >= 3
    assert "<html" not in answer.text
    assert admin.get("/search/suggest?q=anna").status_code == 302


def test_nothing_for_strangers(client: Browser, admin: Browser) -> None:
    assert client.get("/search?q=anna").status_code in (302, 303, 401)
