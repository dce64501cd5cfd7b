"""Operators for tests, and how they sign in: through the real page."""

from __future__ import annotations

import re
from typing import cast

from flask import Flask
from flask.testing import FlaskClient

from app.core.database import Databases, writing
from app.identity import operators

PASSWORD = "correct horse battery"


class Browser(FlaskClient):
    """A client that is signed in and knows the CSRF token of its session."""

    csrf: str = ""


def make(app: Flask, login: str, role: str = "admin", tenant_id: int = 1) -> int:
    """An operator with the test's password."""
    dbs = cast(Databases, app.extensions["databases"])
    with writing(dbs.panel) as connection:
        return operators.create(
            connection, login=login, password=PASSWORD, role=role, tenant_id=tenant_id
        )


def token_of(client: FlaskClient, address: str = "/login") -> str:
    """The CSRF token of a page."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(address).text)
    assert found is not None
    return found.group(1)


def send_login(client: FlaskClient, login: str, password: str = PASSWORD, **more: str) -> object:
    """What the sign-in form sends; returns the answer."""
    values = {"csrf_token": token_of(client), "login": login, "password": password} | more
    return client.post("/login", data=values)


def sign_in(app: Flask, role: str, login: str | None = None, tenant_id: int = 1) -> Browser:
    """A browser in which a new operator of that role is signed in."""
    name = login or f"a-{role}"
    make(app, name, role, tenant_id)
    app.test_client_class = Browser
    client = cast(Browser, app.test_client())
    answer = client.post(
        "/login", data={"csrf_token": token_of(client), "login": name, "password": PASSWORD}
    )
    assert answer.status_code == 303, answer.text
    client.csrf = token_of(client, "/account")
    return client
