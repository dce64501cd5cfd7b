"""Headers, cookies, the proxy and error pages."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from app.core.errors import Conflict, DatabaseUnavailable, InvalidInput
from app.identity import headers
from app.identity.access import public
from app.identity.cookies import CookieSessions
from app.identity.web import init_app
from tests.identity.people import make, sign_in, token_of

STATIC = Path(__file__).parents[2] / "app" / "static"


def test_every_answer_carries_the_policy(app: Flask, client: FlaskClient) -> None:
    for address in ("/login", "/healthz", "/nowhere", "/static/css/frame.css", "/cdr"):
        answer = client.get(address)
        assert answer.headers["Content-Security-Policy"] == headers.POLICY, address
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Strict-Transport-Security" not in answer.headers
        answer.close()
    assert client.get("/login").headers["Cache-Control"] == "no-store"
    secure = client.get("/login", base_url="https://x.test").headers
    assert secure["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_no_page_holds_inline_script_or_style(app: Flask) -> None:
    client = sign_in(app, "admin")
    pages = [rule for rule in app.url_map.iter_rules() if not rule.arguments]
    looked = 0
    for rule in pages:
        if "GET" in (rule.methods or ()):
            answer = client.get(rule.rule)
            if answer.mimetype == "text/html" and answer.status_code == 200:
                looked += 1
                assert not re.search(
                    r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|hx-on", answer.text
                ), rule
    assert looked >= 7


def test_static_files_may_be_kept_for_ever_under_their_hash(client: FlaskClient) -> None:
    page = client.get("/login").text
    address = re.search(r'href="(/assets/[0-9a-f]{12}/companion\.css)"', page)
    assert address is not None
    with client.get(address.group(1)) as answer:
        assert "immutable" in answer.headers["Cache-Control"]


def test_vendored_files_are_what_the_manifest_says() -> None:
    import hashlib

    vendor = STATIC / "vendor"
    lines = (vendor / "MANIFEST").read_text(encoding="utf-8").splitlines()
    listed = {path: digest for digest, path in (line.split("  ") for line in lines)}
    there = {
        str(path.relative_to(vendor)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file() and path.name != "MANIFEST"
    }
    assert there == listed
    folders = {path.split("/")[0] for path in listed}
    assert all(f"{folder}/LICENSE" in listed for folder in folders)


@pytest.mark.parametrize(
    ("base", "address", "name", "secure"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1", "companion", False),
        ("http://localhost:8000", "127.0.0.1", "companion", False),
        ("http://[::1]:8000", "::1", "companion", False),
        ("https://panel.example", "192.0.2.1", "__Host-companion", True),
        ("http://panel.example", "192.0.2.1", "__Host-companion", True),
        # a proxy on this machine that does not say who asked: no loopback name, no plain cookie
        ("http://panel.example", "127.0.0.1", "__Host-companion", True),
    ],
)
def test_the_cookie_is_plain_only_on_loopback(
    app: Flask, base: str, address: str, name: str, secure: bool
) -> None:
    app.session_interface = CookieSessions(
        replace(app.extensions["settings"], insecure_cookies=False)
    )
    answer = app.test_client().get(
        "/login", base_url=base, environ_overrides={"REMOTE_ADDR": address}
    )
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{name}=")
    assert ("; Secure" in cookie) is secure
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize("trusted", [0, 1])
def test_forwarded_headers_count_only_behind_a_trusted_proxy(app: Flask, trusted: int) -> None:
    plain = Flask("app", root_path=app.root_path, template_folder=app.template_folder)
    plain.extensions |= app.extensions
    plain.extensions["settings"] = replace(app.extensions["settings"], trusted_proxies=trusted)
    init_app(plain)
    seen: dict[str, object] = {}

    @plain.get("/who")
    @public
    def who() -> str:
        from flask import request

        seen.update(address=request.remote_addr, secure=request.is_secure, host=request.host)
        return ""

    forged = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
    }
    plain.test_client().get("/who", headers=forged, base_url="http://panel.example")
    if trusted:
        assert seen == {"address": "203.0.113.7", "secure": True, "host": "panel.example"}
    else:
        assert seen == {"address": "127.0.0.1", "secure": False, "host": "panel.example"}


@pytest.fixture
def failing(app: Flask) -> Flask:
    errors = {
        "unavailable": DatabaseUnavailable("The database does not answer.", "Check it."),
        "conflict": Conflict("Somebody was faster <b>.", "Look again."),
        "invalid": InvalidInput("That is no number.", "Write digits."),
        "crash": RuntimeError("secret detail of the crash"),
        "sql": OperationalError("SELECT secret", {}, Exception("secret detail")),
    }

    @public
    def fail(kind: str) -> str:
        raise errors[kind]

    for prefix in ("/fail/", "/api/v1/fail/"):
        app.add_url_rule(f"{prefix}<kind>", f"fail{prefix}", fail)
    app.config.update(PROPAGATE_EXCEPTIONS=False)
    return app


@pytest.mark.parametrize(
    ("kind", "status"),
    [("unavailable", 503), ("conflict", 409), ("invalid", 400), ("crash", 500), ("sql", 500)],
)
def test_errors_are_pages_for_people_and_problems_for_machines(
    failing: Flask, kind: str, status: int
) -> None:
    client = failing.test_client()
    page = client.get(f"/fail/{kind}")
    assert page.status_code == status and "<h1>" in page.text
    assert "secret" not in page.text and "<b>" not in page.text
    problem = client.get(f"/api/v1/fail/{kind}")
    assert (problem.status_code, problem.mimetype) == (status, "application/problem+json")
    assert problem.json is not None and problem.json["status"] == status
    assert "secret" not in problem.text
    line = client.get(f"/fail/{kind}", headers={"HX-Request": "true"})
    assert line.status_code == status and "data-error" in line.text and "<html" not in line.text


def test_who_is_signed_in_keeps_the_menu_on_an_error_page(app: Flask) -> None:
    client = sign_in(app, "admin")
    answer = client.get("/nowhere")
    assert answer.status_code == 404 and 'aria-label="Main"' in answer.text


def test_the_theme_is_in_the_page_before_any_script(app: Flask, client: FlaskClient) -> None:
    assert 'data-bs-theme="auto"' in client.get("/login").text
    values = {"csrf_token": token_of(client), "theme": "dark", "next": "/login"}
    assert client.post("/theme", data=values).location == "/login"
    assert 'data-bs-theme="dark"' in client.get("/login").text
    client.set_cookie("theme", '"><script>')
    assert 'data-bs-theme="auto"' in client.get("/login").text


def test_the_database_away_is_one_clear_page(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make(app, "ann")
    client = sign_in(app, "admin")

    def away(*_: object) -> None:
        raise DatabaseUnavailable("The database does not answer.", "Check that it runs.")

    monkeypatch.setattr("app.identity.web.reading", away)
    answer = client.get("/cdr")
    assert answer.status_code == 503
    # Nobody is known while the database is away, and strangers are not told where it is.
    assert "A database of the panel does not answer." in answer.text
    assert "Check that it runs." not in answer.text
