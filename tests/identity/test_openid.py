"""Signing in with a real OpenID Connect provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.errors import SettingsError
from app.core.openid_settings import openid_settings
from app.identity import openid_people, operators, second_factor
from app.identity.tables import audit, operator, operator_identity, operator_session
from tests.identity.openid import agree, asked, begin, leads_to, switch_on, walk
from tests.identity.people import PASSWORD, Browser, make, send_login, sign_in, token_of
from tests.services import openid as service

GROUPS = (("admins", "admin"), ("noc", "noc"))


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One provider for all tests of this file; each test has its own panel."""
    log = tmp_path_factory.mktemp("provider") / "log"
    with service.started(
        log,
        {"sub": "s-ann", "preferred_username": "ann"},
        {"sub": "s-nora", "preferred_username": "nora", "groups": ["staff", "noc"]},
        {"sub": "s-boss", "preferred_username": "boss", "groups": ["admins", "noc"]},
        {"sub": "s-mfa", "preferred_username": "mia", "groups": ["admins"], "amr": ["pwd", "mfa"]},
        {"sub": "s-acr", "preferred_username": "ada", "groups": ["admins"], "acr": "gold"},
        {"sub": "s-odd", "preferred_username": "<b>no login</b>", "groups": "noc"},
    ) as address:
        yield address


def _link(app: Flask, databases: Databases, login: str, subject: str, role: str = "noc") -> int:
    number = make(app, login, role)
    with writing(databases.panel) as connection:
        issuer = app.extensions["settings"].openid.issuer
        openid_people.link(connection, number, issuer, subject)
    return number


def _signed_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def _rows(databases: Databases, column: object) -> list[object]:
    with reading(databases.panel) as connection:
        return list(connection.scalars(select(column)))  # type: ignore[call-overload]


def test_a_linked_operator_signs_in_and_goes_on(
    app: Flask, both_dbs: Databases, issuer: str
) -> None:
    switch_on(app, issuer)
    number = _link(app, both_dbs, "ann", "s-ann")
    client = app.test_client()
    assert "Sign in with Works" in client.get("/login").text
    address = begin(client, "/cdr?range=7d")
    wanted = asked(address)
    assert wanted["code_challenge_method"] == "S256" and len(wanted["code_challenge"]) == 43
    assert wanted["response_type"] == "code" and "openid" in wanted["scope"].split()
    assert len(wanted["state"]) >= 43 and len(wanted["nonce"]) >= 43
    assert wanted["redirect_uri"] == "http://localhost/login/openid/back"
    answer = client.get(agree(address, "s-ann"))
    assert (answer.status_code, answer.location) == (303, "/cdr?range=7d")
    assert client.get("/cdr").status_code == 200
    assert _rows(both_dbs, operator_session.c.operator_id) == [number]
    assert {"identity.used", "operator.sign_in"} <= set(_rows(both_dbs, audit.c.action))
    assert _rows(both_dbs, operator_identity.c.used_at) != [None]


def test_without_a_provider_there_is_no_button_and_no_way(app: Flask, client: FlaskClient) -> None:
    assert "login/openid" not in client.get("/login").text
    assert client.post("/login/openid", data={"csrf_token": token_of(client)}).status_code == 404
    assert client.get("/login/openid/back?code=x&state=y").status_code == 404
    signed = sign_in(app, "admin")
    assert "There is no sign-in provider here." in signed.get("/account/openid").text
    assert "/account/openid" not in signed.get("/account").text


def test_whom_nobody_linked_is_refused_with_what_to_do(
    app: Flask, databases: Databases, issuer: str
) -> None:
    switch_on(app, issuer)
    # The same name, and even the same mail address, is no link.
    make(app, "ann")
    client = app.test_client()
    answer = walk(client, "s-ann")
    assert answer.status_code == 403
    assert "No operator is linked to this sign-in." in answer.text
    assert "link it under" in answer.text
    assert not _signed_in(client)
    assert _rows(databases, audit.c.action) == ["operator.refused"]


def test_saying_no_at_the_provider_is_a_sentence(app: Flask, issuer: str) -> None:
    switch_on(app, issuer)
    client = app.test_client()
    address = begin(client)
    # This provider forgets the state when it says no (RFC 6749, 4.1.2.1 wants it).
    path = f"{agree(address, 's-ann', action='deny')}&state={asked(address)['state']}"
    answer = client.get(path)
    assert answer.status_code == 400
    assert "you said no there" in answer.text


def test_one_links_ones_own_account_with_the_password(
    app: Flask, both_dbs: Databases, issuer: str
) -> None:
    switch_on(app, issuer)
    client = sign_in(app, "noc", "ann")
    page = client.get("/account/openid").text
    assert "Link it" in page
    where = "/account/openid/link"
    wrong = client.post(where, data={"csrf_token": client.csrf, "password": "not the password"})
    assert wrong.status_code == 400 and "not your password" in wrong.text
    right = client.post(where, data={"csrf_token": client.csrf, "password": PASSWORD})
    answer = client.get(agree(leads_to(right), "s-ann"))
    assert (answer.status_code, answer.location) == (303, "/account/openid")
    assert "s-ann" in client.get("/account/openid").text
    other = app.test_client()
    assert walk(other, "s-ann").status_code == 303 and _signed_in(other)
    # Removed: the way is closed, and whoever came by it is out.
    away = "/account/openid/unlink"
    wrong = client.post(away, data={"csrf_token": client.csrf, "password": "not the password"})
    assert wrong.status_code == 400 and _signed_in(other)
    done = client.post(away, data={"csrf_token": client.csrf, "password": PASSWORD})
    assert done.status_code == 303
    assert _signed_in(client) and not _signed_in(other)
    assert walk(app.test_client(), "s-ann").status_code == 403
    actions = _rows(both_dbs, audit.c.action)
    assert "identity.linked" in actions and "identity.unlinked" in actions


def test_a_subject_is_linked_to_one_operator_and_an_operator_to_one_subject(
    app: Flask, databases: Databases, issuer: str
) -> None:
    switch_on(app, issuer)
    _link(app, databases, "ann", "s-ann")
    client = sign_in(app, "admin", "eve")
    for subject in ("s-ann", "s-boss", "s-nora"):
        page = client.post(
            "/account/openid/link", data={"csrf_token": client.csrf, "password": PASSWORD}
        )
        answer = client.get(agree(leads_to(page), subject))
        assert answer.status_code == (303 if subject == "s-boss" else 409), subject
    assert sorted(map(str, _rows(databases, operator_identity.c.subject))) == ["s-ann", "s-boss"]


def test_an_administrator_removes_a_link(app: Flask, databases: Databases, issuer: str) -> None:
    switch_on(app, issuer)
    number = _link(app, databases, "ann", "s-ann")
    client = app.test_client()
    assert walk(client, "s-ann").status_code == 303
    boss, noc = sign_in(app, "admin", "boss"), sign_in(app, "noc", "nick")
    where = f"/operators/{number}/openid"
    assert noc.post(where, data={"csrf_token": noc.csrf}).status_code == 403
    assert _signed_in(client)
    assert boss.post(where, data={"csrf_token": boss.csrf}).status_code == 303
    assert not _signed_in(client)
    assert walk(app.test_client(), "s-ann").status_code == 403
    assert _rows(databases, operator_identity.c.subject) == []


def test_a_locked_operator_does_not_get_in(app: Flask, databases: Databases, issuer: str) -> None:
    switch_on(app, issuer, create="admin")
    number = _link(app, databases, "ann", "s-ann")
    with writing(databases.panel) as connection:
        connection.execute(update(operator).where(operator.c.id == number).values(active=False))
    client = app.test_client()
    answer = walk(client, "s-ann")
    assert answer.status_code == 403 and "This operator is locked." in answer.text
    assert not _signed_in(client)
    assert _rows(databases, operator_session.c.operator_id) == []


def test_people_are_made_in_the_role_of_their_group(
    app: Flask, both_dbs: Databases, issuer: str
) -> None:
    switch_on(app, issuer, create="mapped", role_claim="groups", roles=GROUPS)
    for subject in ("s-nora", "s-boss", "s-odd"):
        client = app.test_client()
        assert walk(client, subject).status_code == 303, subject
        assert _signed_in(client)
        assert walk(app.test_client(), subject).status_code == 303, "again"
    # Whom no group gives a role stays out.
    assert walk(app.test_client(), "s-ann").status_code == 403
    with reading(both_dbs.panel) as connection:
        rows = connection.execute(select(operator.c.login, operator.c.role)).all()
    assert sorted(map(tuple, rows)) == [("boss", "admin"), ("nora", "noc"), ("sso-s-odd", "noc")]


def test_a_login_that_is_somebody_elses_is_not_taken_over(
    app: Flask, databases: Databases, issuer: str
) -> None:
    make(app, "nora", "admin")
    switch_on(app, issuer, create="readonly")
    client = app.test_client()
    answer = walk(client, "s-nora")
    assert answer.status_code == 403 and "is somebody else" in answer.text
    assert not _signed_in(client)
    assert _rows(databases, operator.c.role) == ["admin"]


def test_the_role_of_who_was_made_so_follows_the_provider(
    app: Flask, databases: Databases, issuer: str
) -> None:
    switch_on(app, issuer, create="mapped", role_claim="groups", roles=GROUPS)
    before = app.test_client()
    assert walk(before, "s-boss").status_code == 303
    assert before.get("/operators").status_code == 200
    # The provider's groups mean something else from now on.
    switch_on(app, issuer, create="mapped", role_claim="groups", roles=(("noc", "noc"),))
    after = app.test_client()
    assert walk(after, "s-boss").status_code == 303
    assert after.get("/operators").status_code == 403
    assert not _signed_in(before)
    switch_on(app, issuer, create="mapped", role_claim="groups", roles=(("x", "noc"),))
    assert walk(app.test_client(), "s-boss").status_code == 403


def test_the_role_of_a_linked_operator_is_the_panels_affair(
    app: Flask, databases: Databases, issuer: str
) -> None:
    switch_on(app, issuer, create="mapped", role_claim="groups", roles=GROUPS)
    _link(app, databases, "nick", "s-boss", "noc")
    assert walk(app.test_client(), "s-boss").status_code == 303
    assert _rows(databases, operator.c.role) == ["noc"]


@pytest.mark.parametrize(
    ("subject", "needed"), [("s-boss", True), ("s-mfa", False), ("s-acr", False)]
)
def test_a_second_factor_of_the_provider_counts_when_it_says_so(
    app: Flask, both_dbs: Databases, issuer: str, subject: str, needed: bool
) -> None:
    switch_on(app, issuer, create="mapped", role_claim="groups", roles=GROUPS, factor_acr=("gold",))
    app.extensions["settings"] = replace(app.extensions["settings"], second_factor="admins")
    client = app.test_client()
    address = begin(client)
    assert asked(address)["acr_values"] == "gold"
    assert client.get(agree(address, subject)).status_code == 303
    answer = client.get("/operators")
    if needed:
        assert (answer.status_code, answer.location) == (303, "/account/second-factor")
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize(("subject", "code"), [("s-boss", True), ("s-mfa", False)])
def test_who_has_a_second_factor_here_is_asked_for_it_unless_there_was_one(
    app: Flask, databases: Databases, issuer: str, subject: str, code: bool
) -> None:
    switch_on(app, issuer)
    number = _link(app, databases, "ann", subject)
    key = app.extensions["settings"].secret_key
    with writing(databases.panel) as connection:
        totp = pyotp.TOTP(second_factor.begin(connection, number, key))
        step = clock.now_ms() // 30_000
        assert second_factor.confirm(connection, number, totp.generate_otp(step - 1), key)
    client = app.test_client()
    answer = walk(client, subject, "/cdr")
    if not code:
        assert answer.location == "/cdr" and _signed_in(client)
        return
    assert answer.location.startswith("/login/code")
    assert not _signed_in(client)
    values = {"csrf_token": token_of(client, "/login/code"), "code": totp.generate_otp(step)}
    assert client.post(answer.location, data=values).location == "/cdr"


def test_who_was_made_so_has_no_password_that_anybody_knows(
    app: Flask, databases: Databases, issuer: str
) -> None:
    switch_on(app, issuer, create="noc")
    assert walk(app.test_client(), "s-nora").status_code == 303
    for guess in ("", "nora", "s-nora", PASSWORD):
        assert send_login(app.test_client(), "nora", guess).status_code in (400, 401)  # type: ignore[attr-defined]
    with reading(databases.panel) as connection:
        assert operators.get(connection, 1)["password_hash"].startswith("$argon2id$")


def _settings(**more: str) -> object:
    names = ("issuer", "client_id", "client_secret", "name", "create", "role_claim", "factor_acr")
    given = dict.fromkeys((*names, "ca_file"), "") | {"create": "none"} | more
    return openid_settings(**given)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"issuer": "http://idp.example"}, "PANEL_OIDC_ISSUER"),
        ({"issuer": "https://user:pw@idp.example"}, "PANEL_OIDC_ISSUER"),
        ({"issuer": "https://idp.example/?x=1"}, "PANEL_OIDC_ISSUER"),
        ({"issuer": "ftp://idp.example"}, "PANEL_OIDC_ISSUER"),
        ({"issuer": "https://idp.example"}, "PANEL_OIDC_CLIENT_ID"),
        ({"role_claim": "groups"}, "PANEL_OIDC_ROLE_CLAIM"),
        ({"role_claim": "groups:noc"}, "PANEL_OIDC_ROLE_CLAIM"),
        ({"role_claim": ":noc=noc"}, "PANEL_OIDC_ROLE_CLAIM"),
        ({"create": "mapped"}, "PANEL_OIDC_CREATE"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(more: dict[str, str], says: str) -> None:
    given = {"issuer": "https://idp.example"} | more
    if "issuer" not in more:
        given["client_id"] = "panel"
    with pytest.raises(SettingsError, match=says):
        _settings(**given)


@pytest.mark.parametrize(
    ("text", "claim", "roles"),
    [
        ("groups:noc=noc,admins=admin", "groups", (("noc", "noc"), ("admins", "admin"))),
        ("https://x.example/g:noc=noc", "https://x.example/g", (("noc", "noc"),)),
        ("cognito:groups:noc=noc", "cognito:groups", (("noc", "noc"),)),
        ("realm_access.roles:a b=noc", "realm_access.roles", (("a b", "noc"),)),
    ],
)
def test_the_mapping_is_read(text: str, claim: str, roles: tuple[tuple[str, str], ...]) -> None:
    found = _settings(issuer="https://idp.example", client_id="panel", role_claim=text)
    assert (found.role_claim, found.roles) == (claim, roles)  # type: ignore[attr-defined]
    inner = {"realm_access": {"roles": ["a b"]}}
    if claim == "realm_access.roles":
        assert openid_people.role_of(found, inner) == "noc"  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["reseller", "root"])
def test_a_role_that_cannot_be_given_stops_the_start(app: Flask, role: str) -> None:
    from app import create_app

    options = _settings(issuer="https://idp.example", client_id="panel", create=role)
    with pytest.raises(SettingsError, match=role):
        create_app(replace(app.extensions["settings"], openid=options))


def test_a_browser_that_is_signed_in_already_may_change_who_it_is(
    app: Flask, databases: Databases, issuer: str
) -> None:
    switch_on(app, issuer)
    _link(app, databases, "ann", "s-ann")
    client: Browser = sign_in(app, "admin", "boss")
    values = {"csrf_token": client.csrf}
    address = leads_to(client.post("/login/openid", data=values))
    assert client.get(agree(address, "s-ann")).status_code == 303
    assert client.get("/operators").status_code == 403
