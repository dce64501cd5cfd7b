"""Programs that ask the API, each with a token of its own."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.database import Databases, writing
from app.identity import operators, sessions, tokens
from tests.identity.people import make


class Program(FlaskClient):
    """A client that sends a token and JSON, and no cookie."""

    token: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """A request of the API; ``headers`` with underscores for hyphens."""
        sent = {"Authorization": f"Bearer {self.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        kind = "application/json" if body is not None else None
        return self.open(
            f"/api/v1{path}", method=method, headers=sent, data=data, content_type=kind
        )


def program(
    app: Flask,
    role: str = "admin",
    login: str | None = None,
    tenant_id: int = 1,
    scopes: list[str] | None = None,
    days: int = 30,
) -> Program:
    """A program of a new operator of that role; without ``scopes`` it may all that he may."""
    dbs = cast(Databases, app.extensions["databases"])
    number = make(app, login or f"p-{role}-{tenant_id}", role, tenant_id)
    with writing(dbs.panel) as connection, app.test_request_context():
        who = sessions.operator_of_id(connection, number)
        wanted = tokens.scopes_for(who) if scopes is None else scopes
        _number, token = tokens.create(connection, who, name="test", scopes=wanted, days=days)
    client = Program(app, app.response_class, use_cookies=False)
    client.token = token
    return client


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)
