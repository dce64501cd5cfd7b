"""What strangers and other sites try, over every view; and what our own code never does."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.core import sealing
from app.core.database import Databases, reading
from app.identity.tables import audit
from tests.identity.people import make, sign_in, token_of

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "app" / "static" / "js").glob("*.js"))


def _answers(app: Flask, client: FlaskClient) -> Iterator[tuple[str, TestResponse]]:
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.arguments:
            yield rule.rule, client.get(rule.rule, headers={"Origin": "https://evil.example"})


def test_other_origins_read_nothing_and_text_says_how_it_is_written(app: Flask) -> None:
    looked = 0
    for client in (app.test_client(), sign_in(app, "admin")):
        for address, answer in _answers(app, client):
            looked += 1
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
            if answer.data and answer.mimetype.startswith("text/"):
                assert "charset=utf-8" in answer.content_type.lower(), address
            answer.close()
    assert looked > 30


def test_trace_is_not_answered(client: FlaskClient) -> None:
    for address in ("/login", "/", "/healthz"):
        answer = client.open(address, method="TRACE", headers={"X-Secret": "s3cret"})
        assert answer.status_code == 405
        assert "s3cret" not in answer.text


def test_passwords_travel_in_bodies_only(app: Flask) -> None:
    forms = 0
    for _, answer in _answers(app, sign_in(app, "admin")):
        for form in re.findall(r"<form.*?</form>", answer.text, re.DOTALL):
            if 'type="password"' in form:
                forms += 1
                assert re.search(r'<form[^>]*method="post"', form, re.IGNORECASE), form[:200]
    login = app.test_client().get("/login").text
    assert forms and re.search(r'<form[^>]*method="post"', login, re.IGNORECASE)


def test_password_fields_hide_and_let_managers_help(client: FlaskClient) -> None:
    page = client.get("/login").text
    field = re.search(r'<input[^>]*name="password"[^>]*>', page)
    assert field
    assert 'type="password"' in field.group()
    assert 'autocomplete="current-password"' in field.group()
    assert "onpaste" not in page


def test_sign_ins_that_succeed_and_fail_are_noted(app: Flask, databases: Databases) -> None:
    make(app, "ada", "admin")
    client = app.test_client()
    form = {"csrf_token": token_of(client), "login": "ada", "password": "not the password"}
    assert client.post("/login", data=form).status_code == 401
    sign_in(app, "admin", "bea")
    with reading(databases.panel) as connection:
        noted = connection.execute(select(audit.c.action, audit.c.actor)).all()
    assert ("operator.refused", "ada") in [tuple(row) for row in noted]
    assert ("operator.sign_in", "bea") in [tuple(row) for row in noted]


def test_no_account_is_there_before_somebody_made_it(client: FlaskClient) -> None:
    for login in ("admin", "root", "sa", "opensips"):
        for password in ("", login, "opensipsrw", "password"):
            form = {"csrf_token": token_of(client), "login": login, "password": password}
            assert client.post("/login", data=form).status_code in (400, 401, 429)


def test_no_text_becomes_code() -> None:
    risky = re.compile(
        r"\b(eval|exec|__import__)\(|\bpickle\b|\bmarshal\b|shell=True|os\.system|os\.popen"
        r"|render_template_string|from_string\(|yaml\.load|xml\.|verify=False|_unverified_context"
    )
    for path in (ROOT / "app").rglob("*.py"):
        found = risky.search(path.read_text(encoding="utf-8"))
        assert not found, (path, found)


def test_scripts_make_no_page_of_text_and_keep_nothing() -> None:
    # htmx's own answers are pages of ours; the drawer puts in one that it fetched itself.
    allowed = {"drawer.js": 1}
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        html = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", text)
        assert len(html) <= allowed.get(path.name, 0), path
        assert not re.search(r"\beval\(|new Function|postMessage|localStorage|indexedDB", text), (
            path
        )
        assert not re.search(r"https?://(?!www\.w3\.org)", text), path


def test_scripts_copy_no_keys_that_others_chose() -> None:
    # __proto__ among the keys of somebody's JSON would change every object of the page.
    risky = r"__proto__|Object\.assign|\.prototype|\bconstructor\[|for \((const|let|var) \w+ in "
    for path in SCRIPTS:
        assert not re.search(risky, path.read_text(encoding="utf-8")), path


def test_nothing_that_must_not_be_guessed_comes_of_a_seeded_generator() -> None:
    # The demo's traffic may repeat; nothing else draws from the module random.
    demo = ("app/opensips/simulator/", "app/cli/demo")
    for path in (ROOT / "app").rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(demo):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(import random|from random) ?", text, re.M), name


def test_signatures_are_of_256_bits(client: FlaskClient) -> None:
    token = token_of(client)
    cookie = client.get_cookie("companion")
    assert cookie is not None
    for signed in (token, cookie.value):
        assert len(urlsafe_b64decode(signed.rpartition(".")[2] + "==")) == 32


def test_ciphers_have_128_bits_or_more() -> None:
    conf = (ROOT / "nginx" / "companion.conf").read_text(encoding="utf-8")
    suites = re.findall(r"ssl_ciphers ([^;]+);", conf)
    assert suites
    for suite in suites[0].split(":"):
        assert re.search(r"^ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM|CHACHA20-POLY1305)", suite), suite
    box = sealing._box("k" * 32, "test")
    assert len(box._encryption_key) * 8 >= 128 and len(box._signing_key) * 8 >= 128
