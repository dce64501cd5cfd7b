"""Operators and tenants managed on their screens: no role greater than one's own, no way out."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.errors import Conflict, InvalidInput
from app.identity import staff, tenants
from app.identity.access import Operator
from app.identity.tables import audit, operator, operator_session, tenant
from tests.identity.people import PASSWORD, Browser, make, send_login, sign_in


def _post(client: Browser, address: str, **values: object) -> tuple[int, str]:
    answer = client.post(address, data={"csrf_token": client.csrf, **values})
    return answer.status_code, answer.text


def _row(dbs: Databases, login: str) -> tuple[str, int, bool]:
    with reading(dbs.panel) as connection:
        columns = (operator.c.role, operator.c.tenant_id, operator.c.active)
        row = connection.execute(select(*columns).where(operator.c.login == login)).one()
    return row.role, row.tenant_id, bool(row.active)


def _tenant(dbs: Databases, number: int, name: str, parent: int | None = None) -> None:
    row = {"id": number, "name": name, "parent_id": parent, "created_at": clock.now_ms()}
    with writing(dbs.panel) as connection:
        connection.execute(tenant.insert().values(row))


def _id(dbs: Databases, login: str) -> int:
    with reading(dbs.panel) as connection:
        found = connection.scalar(select(operator.c.id).where(operator.c.login == login))
    assert found is not None
    return int(found)


def test_an_operator_is_made_and_signs_in_with_what_was_shown(
    app: Flask, databases: Databases
) -> None:
    admin = sign_in(app, "admin")
    status, page = _post(admin, "/operators/new", login="nora", role="noc", tenant="1")
    assert status == 200
    shown = re.search(r'once" translate="no">([^<]+)<', page)
    assert shown is not None
    assert _row(databases, "nora") == ("noc", 1, True)
    visitor = app.test_client()
    assert send_login(visitor, "nora", shown[1]).status_code == 303  # type: ignore[attr-defined]
    assert visitor.get("/dialplan").status_code != 403
    assert visitor.get("/operators").status_code == 403
    assert shown[1] not in admin.get("/operators").text


def test_what_is_wrong_is_said_at_the_field_and_nothing_is_made(
    app: Flask, databases: Databases
) -> None:
    admin = sign_in(app, "admin")
    for values, sentence in (
        ({"login": "a b", "role": "noc", "tenant": "1"}, "is no login"),
        ({"login": "a-admin", "role": "noc", "tenant": "1"}, "is taken"),
        ({"login": "x1", "role": "king", "tenant": "1"}, "Not a valid choice"),
        ({"login": "x1", "role": "noc", "tenant": "9"}, "Not a valid choice"),
        ({"login": "x1", "role": "reseller", "tenant": "1"}, "belongs to a tenant of his own"),
    ):
        status, page = _post(admin, "/operators/new", **values)
        assert status == 400
        assert sentence in page, values
    with reading(databases.panel) as connection:
        assert connection.scalars(select(operator.c.login)).all() == ["a-admin"]


def test_who_is_locked_is_signed_out_at_once(app: Flask, databases: Databases) -> None:
    admin = sign_in(app, "admin")
    other = sign_in(app, "noc", "nick")
    assert other.get("/cdr").status_code == 200
    number = _id(databases, "nick")
    assert _post(admin, f"/operators/{number}", role="noc")[0] == 303
    assert _row(databases, "nick") == ("noc", 1, False)
    assert other.get("/cdr").status_code == 303
    assert send_login(app.test_client(), "nick").status_code == 401  # type: ignore[attr-defined]


def test_a_changed_role_counts_at_once(app: Flask, databases: Databases) -> None:
    admin, other = sign_in(app, "admin"), sign_in(app, "noc", "nick")
    number = _id(databases, "nick")
    assert _post(admin, f"/operators/{number}", role="support", active="y")[0] == 303
    assert _row(databases, "nick") == ("support", 1, True)
    assert other.get("/cdr").status_code == 303
    with reading(databases.panel) as connection:
        columns = (audit.c.before, audit.c.after)
        row = connection.execute(select(*columns).where(audit.c.action == "operator.change")).one()
    assert row.before == '{"login": "nick", "role": "noc", "active": true}'
    assert row.after == '{"login": "nick", "role": "support", "active": true}'


def test_a_new_password_ends_sessions_and_is_shown_once(app: Flask, databases: Databases) -> None:
    admin, other = sign_in(app, "admin"), sign_in(app, "noc", "nick")
    status, page = _post(admin, f"/operators/{_id(databases, 'nick')}/password")
    shown = re.search(r'once" translate="no">([^<]+)<', page)
    assert status == 200 and shown is not None
    assert other.get("/cdr").status_code == 303
    assert send_login(app.test_client(), "nick").status_code == 401  # type: ignore[attr-defined]
    again = send_login(app.test_client(), "nick", shown[1])
    assert again.status_code == 303  # type: ignore[attr-defined]


def test_signing_out_everywhere(app: Flask, databases: Databases) -> None:
    admin, other = sign_in(app, "admin"), sign_in(app, "noc", "nick")
    number = _id(databases, "nick")
    assert _post(admin, f"/operators/{number}/sessions")[0] == 303
    assert other.get("/cdr").status_code == 303
    with reading(databases.panel) as connection:
        left = select(operator_session.c.operator_id).where(
            operator_session.c.operator_id == number
        )
        assert connection.scalars(left).all() == []


def test_nobody_locks_himself_and_one_administrator_stays(app: Flask, databases: Databases) -> None:
    admin = sign_in(app, "admin")
    mine = _id(databases, "a-admin")
    status, page = _post(admin, f"/operators/{mine}", role="readonly", active="y")
    assert status == 400
    assert "Nobody takes his own role away" in page
    assert _post(admin, f"/operators/{mine}", role="admin")[0] == 400
    assert _row(databases, "a-admin") == ("admin", 1, True)


def test_the_last_administrator_stays(panel_db: Databases) -> None:
    from app.identity import operators

    with writing(panel_db.panel) as connection:
        first = operators.create(connection, login="one", password=PASSWORD, role="admin")
        second = operators.create(connection, login="two", password=PASSWORD, role="admin")
    with writing(panel_db.panel) as connection:
        staff.change(connection, _who(first), second, role="noc", active=True)
    with writing(panel_db.panel) as connection, pytest.raises(Conflict, match="last"):
        staff.change(connection, _who(second), first, role="admin", active=False)


def _who(number: int, role: str = "admin", tenant_id: int = 1) -> Operator:
    return Operator(number, "who", role, tenant_id, "UTC", "en-GB", "", "")


def test_a_reseller_cannot_climb(app: Flask, databases: Databases) -> None:
    _tenant(databases, 2, "North")
    _tenant(databases, 3, "Below", 2)
    _tenant(databases, 4, "South")
    admin = make(app, "boss", "admin")
    foreign = make(app, "foreign", "readonly", 4)
    reseller = sign_in(app, "reseller", "rita", tenant_id=2)
    page = reseller.get("/operators/new").text
    assert "North" in page and "Below" in page
    assert "South" not in page and ">administrator<" not in page
    for values in (
        {"login": "x", "role": "admin", "tenant": "2"},
        {"login": "x", "role": "readonly", "tenant": "1"},
        {"login": "x", "role": "readonly", "tenant": "4"},
    ):
        assert _post(reseller, "/operators/new", **values)[0] == 400, values
    for target in (admin, foreign):
        for address in ("", "/password", "/sessions"):
            where = f"/operators/{target}{address}"
            assert _post(reseller, where, role="readonly", active="y")[0] == 404, where
    assert _post(reseller, "/operators/new", login="kid", role="support", tenant="3")[0] == 200
    assert _row(databases, "kid") == ("support", 3, True)
    logins = reseller.get("/operators").text
    assert "kid" in logins and "boss" not in logins and "foreign" not in logins


def test_a_role_that_one_cannot_give_cannot_be_taken(panel_db: Databases) -> None:
    from app.identity import operators

    with writing(panel_db.panel) as connection:
        connection.execute(tenant.insert().values(id=2, name="N", created_at=1))
        boss = operators.create(
            connection, login="boss", password=PASSWORD, role="admin", tenant_id=2
        )
    for act in (
        lambda c: staff.change(c, _who(9, "reseller", 2), boss, role="readonly", active=True),
        lambda c: staff.new_password(c, _who(9, "reseller", 2), boss),
        lambda c: staff.end_sessions(c, _who(9, "reseller", 2), boss),
    ):
        with writing(panel_db.panel) as connection, pytest.raises(InvalidInput, match="role"):
            act(connection)


def test_tenants_on_their_screens(app: Flask, databases: Databases) -> None:
    admin = sign_in(app, "admin")
    values = {"name": "North", "parent": "1", "domains": "Voice.North.example\n\nn2.example,"}
    assert _post(admin, "/tenants/new", **values)[0] == 303
    with reading(databases.panel) as connection:
        number = connection.scalar(select(tenant.c.id).where(tenant.c.name == "North"))
        assert number is not None
        assert tenants.domains_of(connection, number) == ["n2.example", "voice.north.example"]
    for wrong, sentence in (
        ({"name": "North", "parent": "1"}, "is called"),
        ({"name": "New", "parent": "1", "domains": "n2.example"}, "belongs to another"),
        ({"name": "New", "parent": "1", "domains": "a b"}, "is no domain"),
        ({"name": " ", "parent": "1"}, "has 1 to 80 characters"),
    ):
        status, page = _post(admin, "/tenants/new", **wrong)
        assert status == 400
        assert sentence in page, wrong
    assert _post(admin, f"/tenants/{number}", name="Nord", domains="n3.example")[0] == 303
    page = admin.get("/tenants").text
    assert "Nord" in page and "North" not in page
    assert "n3.example" in admin.get(f"/tenants/{number}").text


def test_tenants_beneath_tenants(panel_db: Databases) -> None:
    with writing(panel_db.panel) as connection:
        numbers = [tenants.create(connection, name="t1", parent_id=1)]
        for level in range(2, tenants.DEEPEST + 1):
            name = f"t{level}"
            numbers.append(tenants.create(connection, name=name, parent_id=numbers[-1]))
    with reading(panel_db.panel) as connection:
        assert tenants.beneath(connection, numbers[0]) == tuple(numbers[1:])
        assert tenants.beneath(connection, numbers[-1]) == ()
    with writing(panel_db.panel) as connection, pytest.raises(InvalidInput, match="levels deep"):
        tenants.create(connection, name="deeper", parent_id=numbers[-1])


def test_a_circle_made_by_hand_ends(panel_db: Databases) -> None:
    _tenant(panel_db, 2, "a", 3)
    _tenant(panel_db, 3, "b", 2)
    with reading(panel_db.panel) as connection:
        assert tenants.beneath(connection, 2) == (3,)


def test_a_reseller_hands_on_his_own_domains_and_takes_no_other(
    app: Flask, databases: Databases
) -> None:
    _tenant(databases, 2, "North")
    _tenant(databases, 3, "South")
    with writing(databases.panel) as connection:
        tenants.set_domains(connection, 2, ["n1.example", "n2.example"])
        tenants.set_domains(connection, 3, ["s.example"])
    rita = sign_in(app, "reseller", "rita", tenant_id=2)
    for domain, sentence in (
        ("s.example", "belongs to another tenant"),
        ("nobodys.example", "is not yours to give"),
    ):
        status, page = _post(rita, "/tenants/2", name="North", domains=f"n1.example\n{domain}")
        assert status == 400
        assert sentence in page
    values = {"name": "Customer", "parent": "2", "domains": "n2.example"}
    assert _post(rita, "/tenants/new", **values)[0] == 303
    with reading(databases.panel) as connection:
        number = connection.scalar(select(tenant.c.id).where(tenant.c.name == "Customer"))
        assert number is not None
        assert tenants.domains_of(connection, number) == ["n2.example"]
        assert tenants.domains_of(connection, 2) == ["n1.example"]
    assert _post(rita, f"/tenants/{number}", name="Customer", domains="")[0] == 303
    with reading(databases.panel) as connection:
        assert tenants.domains_of(connection, number) == []
        assert tenants.domains_of(connection, 2) == ["n1.example", "n2.example"]
        assert tenants.domains_of(connection, 3) == ["s.example"]
    assert _post(rita, "/tenants/3", name="Mine", domains="s.example")[0] == 404
    assert _post(rita, "/tenants/new", name="Other", parent="3")[0] == 400
