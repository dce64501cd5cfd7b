"""The shipped site file in the real Nginx, in front of the real gunicorn."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from app.core.database import Databases, reading, writing
from app.identity import operators
from app.identity.tables import operator_session
from tests.conftest import missing
from tests.services import gunicorn, nginx, run

PASSWORD = "correct horse battery staple"


@dataclass
class Front:
    """Nginx with the panel behind it."""

    nginx: nginx.Nginx
    dbs: Databases

    def session(self) -> requests.Session:
        """A browser that trusts only the test's certificate."""
        found = requests.Session()
        found.trust_env = False
        found.verify = str(self.nginx.certificate)
        return found

    def sign_in(self, browser: requests.Session, **headers: str) -> requests.Response:
        """Through the form, as a browser does."""
        address = f"{self.nginx.url}/login"
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(address).text)
        assert token
        return browser.post(
            address,
            data={"csrf_token": token.group(1), "login": "ada", "password": PASSWORD},
            headers={"Referer": address, **headers},
            allow_redirects=False,
        )


@pytest.fixture
def front(dbs: Databases, test_env: dict[str, str], tmp_path: Path) -> Iterator[Front]:
    with writing(dbs.panel) as connection:
        operators.create(connection, login="ada", password=PASSWORD, role="admin")
    env = test_env | {"PANEL_TRUSTED_PROXIES": "1", "PANEL_INSECURE_COOKIES": "0"}
    web = tmp_path / "web.sock"
    try:
        with (
            gunicorn.started(web, env, log=tmp_path / "web.log"),
            nginx.started(tmp_path / "nginx", web) as server,
        ):
            yield Front(server, dbs)
    except run.MissingService as exc:
        missing(exc)


def test_one_signs_in_and_out_over_tls(front: Front) -> None:
    with front.session() as browser:
        answer = front.sign_in(browser)
        assert answer.status_code == 303, answer.text
        assert answer.headers["Location"] in ("/", f"{front.nginx.url}/")
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-companion=")
        flags = {part.strip().lower() for part in cookie.split(";")}
        assert {"secure", "httponly", "path=/"} <= flags
        assert flags & {"samesite=lax", "samesite=strict"}
        home = browser.get(f"{front.nginx.url}/")
        assert home.status_code == 200
        assert "ada" in home.text
        for name in ("Content-Security-Policy", "Strict-Transport-Security", "X-Frame-Options"):
            # requests joins a header that came twice with a comma
            assert home.headers[name].count("max-age") <= 1
            assert home.headers[name].count("default-src") <= 1
            assert ", DENY" not in home.headers[name]


def test_plain_http_goes_to_https(front: Front) -> None:
    address = f"http://localhost:{front.nginx.http_port}/cdr?caller=49"
    with front.session() as browser:
        answer = browser.get(address, allow_redirects=False)
    assert answer.status_code == 308
    assert answer.headers["Location"] == "https://localhost/cdr?caller=49"


def test_addresses_that_clients_claim_are_not_believed(front: Front) -> None:
    claims = {
        "X-Forwarded-For": "203.0.113.66",
        "X-Real-IP": "203.0.113.66",
        "Forwarded": "for=203.0.113.66;proto=http;host=evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/evil",
    }
    with front.session() as browser:
        answer = front.sign_in(browser, **claims)
        assert answer.status_code == 303, answer.text
        assert "evil" not in answer.headers["Location"]
        assert "; Secure" in answer.headers["Set-Cookie"]
    with reading(front.dbs.panel) as connection:
        assert connection.scalars(select(operator_session.c.address)).all() == ["127.0.0.1"]


def test_static_files_and_a_clear_answer_while_the_panel_is_away(
    test_env: dict[str, str], tmp_path: Path
) -> None:
    try:
        with nginx.started(tmp_path / "nginx", tmp_path / "nobody.sock") as server:
            front = Front(server, None)  # type: ignore[arg-type]
            with front.session() as browser:
                css = browser.get(f"{server.url}/static/companion.css?v=1")
                assert css.status_code == 200
                assert css.headers["Content-Type"].startswith("text/css")
                assert "immutable" in css.headers["Cache-Control"]
                assert css.headers["X-Content-Type-Options"] == "nosniff"
                assert "immutable" not in browser.get(
                    f"{server.url}/static/companion.css"
                ).headers.get("Cache-Control", "")
                assert browser.get(f"{server.url}/static/../core/settings.py").status_code == 503
                assert browser.post(f"{server.url}/static/companion.css").status_code == 403
                away = browser.get(f"{server.url}/")
            assert away.status_code == 503
            assert away.headers["Retry-After"] == "5"
            assert "Try again" in away.text
    except run.MissingService as exc:
        missing(exc)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_other_names_and_old_protocols_reach_nothing(front: Front) -> None:
    with pytest.raises(ssl.SSLError):
        _handshake(front, "evil.example", ssl.TLSVersion.TLSv1_3)
    with pytest.raises((ssl.SSLError, OSError)):
        _handshake(front, "localhost", ssl.TLSVersion.TLSv1_1)
    assert _handshake(front, "localhost", ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    with front.session() as browser:
        answer = browser.get(f"{front.nginx.url}/login", headers={"Host": "evil.example"})
    assert "evil" not in answer.text


def test_too_much_is_refused(front: Front) -> None:
    with front.session() as browser:
        answer = browser.post(f"{front.nginx.url}/login", data=b"x" * 2_000_000)
        assert answer.status_code == 413
        codes = {browser.post(f"{front.nginx.url}/login").status_code for _ in range(14)}
    assert 429 in codes


def test_health_is_open_and_metrics_are_not_for_everyone(front: Front) -> None:
    with front.session() as browser:
        assert browser.get(f"{front.nginx.url}/healthz").status_code == 200
        # no worker runs: the application's own 503, not Nginx's
        ready = browser.get(f"{front.nginx.url}/readyz")
        assert ready.status_code == 503
        assert "worker" in ready.json()["problems"]
    assert re.search(r"location = /metrics \{[^}]*deny all;", nginx.SITE.read_text())


def _handshake(front: Front, name: str, version: ssl.TLSVersion) -> str | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    address = ("127.0.0.1", front.nginx.https_port)
    with socket.create_connection(address, timeout=5) as plain:
        with context.wrap_socket(plain, server_hostname=name) as wrapped:
            return wrapped.version()
