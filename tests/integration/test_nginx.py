"""The shipped site file in the real Nginx, in front of the real gunicorn."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from sqlalchemy import select

from app.core.database import Databases, reading, writing
from app.identity import headers, operators
from app.identity.tables import login_attempt, operator_session
from tests.conftest import missing
from tests.services import gunicorn, nginx, run

PASSWORD = "correct horse battery staple"
# Loopback, but neither 127.0.0.1 nor what is claimed: only Nginx can have told the application.
ELSEWHERE = "127.0.0.2"
CLAIMS = {
    "X-Forwarded-For": "203.0.113.66",
    "X-Real-IP": "203.0.113.66",
    "Forwarded": "for=203.0.113.66;proto=http;host=evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Ssl": "off",
    "X-Forwarded-Protocol": "http",
    "X_Forwarded_For": "203.0.113.66",
    "Script_Name": "/evil",
}


class _From(HTTPAdapter):
    """Connects from that address of this machine."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **options)


def browser_of(server: nginx.Nginx, address: str = ELSEWHERE) -> requests.Session:
    """A browser that trusts only the test's certificate."""
    found = requests.Session()
    found.trust_env = False
    found.verify = str(server.certificate)
    for scheme in ("http://", "https://"):
        found.mount(scheme, _From(address))
    return found


@dataclass
class Front:
    """Nginx with the panel behind it."""

    nginx: nginx.Nginx
    dbs: Databases

    def sign_in(
        self, browser: requests.Session, password: str = PASSWORD, **headers: str
    ) -> requests.Response:
        """Through the form, as a browser does."""
        address = f"{self.nginx.url}/login"
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(address).text)
        assert token
        return browser.post(
            address,
            data={"csrf_token": token.group(1), "login": "ada", "password": password},
            headers={"Referer": address, **headers},
            allow_redirects=False,
        )


@pytest.fixture
def server() -> Iterator[nginx.Nginx]:
    """Nginx with nobody behind it."""
    try:
        with nginx.started() as found:
            yield found
    except run.MissingService as exc:
        missing(exc)


@pytest.fixture
def web_env(test_env: dict[str, str]) -> dict[str, str]:
    """As behind the shipped site: TLS only, one proxy."""
    del test_env["PANEL_INSECURE_COOKIES"]
    return test_env | {"PANEL_TRUSTED_PROXIES": "1"}


@pytest.fixture
def front(
    server: nginx.Nginx, dbs: Databases, web_env: dict[str, str], tmp_path: Path
) -> Iterator[Front]:
    with writing(dbs.panel) as connection:
        operators.create(connection, login="ada", password=PASSWORD, role="admin")
    with gunicorn.started(server.socket, web_env, log=tmp_path / "web.log"):
        yield Front(server, dbs)


def test_one_signs_in_and_out_over_tls(front: Front) -> None:
    with browser_of(front.nginx) as browser:
        answer = front.sign_in(browser)
        assert answer.status_code == 303, answer.text
        assert answer.headers["Location"] in ("/", f"{front.nginx.url}/")
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-companion=")
        flags = {part.strip().lower() for part in cookie.split(";")}
        assert {"secure", "httponly", "path=/"} <= flags
        assert not any(flag.startswith("domain") for flag in flags)
        assert flags & {"samesite=lax", "samesite=strict"}
        home = browser.get(f"{front.nginx.url}/")
        assert home.status_code == 200
        assert "ada" in home.text
        _says_each_header_once(home)
        token = re.search(r'name="csrf[-_]token"[^>]*(?:value|content)="([^"]+)"', home.text)
        assert token
        out = browser.post(
            f"{front.nginx.url}/logout",
            data={"csrf_token": token.group(1)},
            headers={"Referer": f"{front.nginx.url}/"},
            allow_redirects=False,
        )
        assert out.status_code == 303, out.text
        gone = browser.get(f"{front.nginx.url}/cdr", allow_redirects=False)
        assert (gone.status_code, "/login" in gone.headers["Location"]) == (303, True)


def _says_each_header_once(answer: requests.Response) -> None:
    every = answer.raw.headers  # requests itself would join two with a comma
    for name in (*headers._ALWAYS, "Strict-Transport-Security", "Cache-Control", "Server"):
        assert len(every.getlist(name)) == 1, name
    assert every["Content-Security-Policy"] == headers.POLICY
    assert every["Server"] == "nginx"
    # BREACH: only the application compresses pages, since it pads them by a random length.
    assert every["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in every["Vary"]


def test_addresses_that_clients_claim_are_not_believed(front: Front) -> None:
    with browser_of(front.nginx) as browser:
        wrong = front.sign_in(browser, "not the password", **CLAIMS)
        assert wrong.status_code == 401, wrong.text
        with reading(front.dbs.panel) as connection:
            assert connection.scalars(select(login_attempt.c.address)).all() == [ELSEWHERE]
        answer = front.sign_in(browser, **CLAIMS)
        assert answer.status_code == 303, answer.text
        assert answer.headers["Location"] in ("/", f"{front.nginx.url}/")
        assert "; Secure" in answer.headers["Set-Cookie"]
    with reading(front.dbs.panel) as connection:
        assert connection.scalars(select(operator_session.c.address)).all() == [ELSEWHERE]
    with browser_of(front.nginx) as stranger:
        sent = stranger.get(f"{front.nginx.url}/cdr", headers=CLAIMS, allow_redirects=False)
        assert sent.status_code == 303
        target = requests.compat.urljoin(sent.url, sent.headers["Location"])
        assert target.startswith(f"{front.nginx.url}/login")
        assert "evil" not in target


def test_too_much_is_refused(front: Front) -> None:
    with browser_of(front.nginx) as browser:
        large = browser.post(f"{front.nginx.url}/login", data=b"x" * ((1 << 20) + 1))
        assert large.status_code == 413
        assert "larger than the panel takes" in large.text
        codes = {}
        for _ in range(14):
            answer = browser.post(f"{front.nginx.url}/login")
            codes[answer.status_code] = answer
        assert 400 in codes  # the first ones reached the application
        assert "Too many attempts" in codes[429].text
        # looking at the page is no attempt
        assert browser.get(f"{front.nginx.url}/login").status_code == 200


def test_health_is_open_and_metrics_are_for_this_machine_only(front: Front) -> None:
    with browser_of(front.nginx) as browser:
        assert browser.get(f"{front.nginx.url}/healthz").status_code == 200
        # no worker runs: the application's own 503, not Nginx's
        ready = browser.get(f"{front.nginx.url}/readyz")
        assert ready.status_code == 503
        assert "worker" in ready.json()["problems"]
        for path in ("/metrics", "//metrics", "/%6detrics", "/metrics?x=1", "/x/%2e%2e/metrics"):
            answer = browser.get(front.nginx.url + path, allow_redirects=False)
            assert answer.status_code == 403, path
    with browser_of(front.nginx, "127.0.0.1") as collector:
        assert collector.get(f"{front.nginx.url}/metrics").status_code == 200


def test_files_and_a_clear_answer_while_the_panel_restarts(
    server: nginx.Nginx, web_env: dict[str, str], tmp_path: Path
) -> None:
    with browser_of(server) as browser:
        for _ in range(2):
            with gunicorn.started(server.socket, web_env, log=tmp_path / "web.log"):
                # at once: no pause in which Nginx believes that it is still down
                assert browser.get(f"{server.url}/healthz").status_code == 200
            away = browser.get(f"{server.url}/")
            assert (away.status_code, away.headers["Retry-After"]) == (503, "5")
            assert "Try again" in away.text
            assert browser.get(f"{server.url}/static/css/frame.css").status_code == 200


def test_files_are_served_by_nginx_alone(server: nginx.Nginx) -> None:
    with browser_of(server) as browser:
        css = browser.get(f"{server.url}/static/css/frame.css?v=1")
        assert css.status_code == 200
        assert css.content == (nginx.STATIC / "css" / "frame.css").read_bytes()
        assert css.headers["Content-Type"].startswith("text/css")
        assert css.headers["Content-Encoding"] == "gzip"
        assert "immutable" in css.headers["Cache-Control"]
        assert css.headers["X-Content-Type-Options"] == "nosniff"
        unnamed = browser.get(f"{server.url}/static/css/frame.css")
        assert unnamed.headers["Cache-Control"] == "public, max-age=3600"
        again = browser.get(unnamed.url, headers={"If-None-Match": unnamed.headers["ETag"]})
        assert again.status_code == 304
        assert browser.post(unnamed.url).status_code == 403
        assert browser.get(f"{server.url}/static/").status_code == 403
    secret = server.home / "app" / "secret"
    secret.write_text("secret")
    (server.home / "app" / "static" / "link").symlink_to(secret)
    for path in ("../secret", "..%2fsecret", "link"):
        assert b"secret" not in _raw(server, f"/static/{path}"), path
    assert b"secret" not in _raw(server, "/static../secret")


def test_plain_http_goes_to_https(server: nginx.Nginx) -> None:
    address = f"http://localhost:{server.http_port}/cdr?caller=49"
    with browser_of(server) as browser:
        answer = browser.get(address, allow_redirects=False, headers=CLAIMS)
        assert answer.status_code == 308
        assert answer.headers["Location"] == "https://localhost/cdr?caller=49"
        assert answer.headers["Server"] == "nginx"
        with pytest.raises(requests.ConnectionError):
            browser.get(address, headers={"Host": "evil.example"})


def test_the_api_is_not_led_to_https(server: nginx.Nginx) -> None:
    """Whoever sends a token in the clear shall notice, not be helped along."""
    with browser_of(server) as browser:
        address = f"http://localhost:{server.http_port}/api/v1/me"
        answer = browser.get(address, allow_redirects=False, headers=CLAIMS)
        assert answer.status_code == 403
        assert "Location" not in answer.headers


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_other_names_and_old_protocols_reach_nothing(server: nginx.Nginx) -> None:
    with pytest.raises(ssl.SSLError):
        _handshake(server, "evil.example", ssl.TLSVersion.TLSv1_3)
    with pytest.raises((ssl.SSLError, OSError)):
        _handshake(server, "localhost", ssl.TLSVersion.TLSv1_1)
    assert _handshake(server, "localhost", ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert _handshake(server, "localhost", ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    # our name in the handshake, another one in the request
    assert _raw(server, "/login", host="evil.example") == b""


def _handshake(server: nginx.Nginx, name: str, version: ssl.TLSVersion) -> str | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", server.https_port), timeout=5) as plain:
        with context.wrap_socket(plain, server_hostname=name) as wrapped:
            return wrapped.version()


def _raw(server: nginx.Nginx, path: str, host: str = "localhost") -> bytes:
    """The whole answer to a request whose path nobody has tidied up."""
    context = ssl.create_default_context(cafile=str(server.certificate))
    with socket.create_connection(("127.0.0.1", server.https_port), timeout=5) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as wrapped:
            request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            wrapped.sendall(request.encode())
            return b"".join(iter(lambda: wrapped.recv(65_536), b""))
