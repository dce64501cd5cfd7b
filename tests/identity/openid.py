"""How tests sign in with OpenID Connect: what a browser does, step by step."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qs, urlsplit

import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.openid_settings import OpenIdSettings
from tests.identity.people import token_of


def switch_on(app: Flask, issuer: str, **more: object) -> None:
    """Signing in with that provider, as the settings would say it."""
    options = OpenIdSettings(issuer=issuer, client_id="panel", client_secret="s3", name="Works")
    options = replace(options, **more)  # type: ignore[arg-type]
    app.extensions["settings"] = replace(app.extensions["settings"], openid=options)


def begin(client: FlaskClient, then: str = "", page: str = "/login") -> str:
    """The address at the provider that the button of the sign-in page leads to."""
    values = {"csrf_token": token_of(client, page), "next": then}
    return leads_to(client.post("/login/openid", data=values))


def leads_to(answer: TestResponse) -> str:
    """The address that a page leads on to."""
    assert answer.status_code == 200, answer.text
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
    assert found is not None, answer.text
    assert f'href="{found[1]}"' in answer.text
    return unescape(found[1])


def agree(address: str, subject: str, **more: str) -> str:
    """Signs in at the provider as that person; returns the path that it sends back to."""
    answer = requests.post(
        address, data={"sub": subject, **more}, allow_redirects=False, timeout=10
    )
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    assert parts.path == "/login/openid/back"
    return f"{parts.path}?{parts.query}"


def walk(client: FlaskClient, subject: str, then: str = "") -> TestResponse:
    """From the sign-in page to the provider and back."""
    return client.get(agree(begin(client, then), subject))


def asked(address: str) -> dict[str, str]:
    """What the provider is asked for."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
