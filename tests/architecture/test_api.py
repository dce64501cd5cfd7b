"""Whatever a screen can do, a program can do: each view is an operation's work, or says why not."""

from __future__ import annotations

from flask import Flask

from app.api.document import document
from app.api.operations import OPERATIONS
from tests.architecture.matrix import MAY, PUBLIC

# Views that are no work of their own.
NO_OPERATION = {
    "static": "files",
    "assets.show": "style and script",
    "identity.login": "programs have tokens",
    "identity.sign_in": "programs have tokens",
    "identity.code": "programs have tokens",
    "identity.enter_code": "programs have tokens",
    "identity.logout": "a token is revoked",
    "identity.theme": "how pages look",
    "shell.keep_list": "how lists look",
    "safety.factor": "a factor is set up by a person with a telephone",
    "safety.start": "a factor is set up by a person with a telephone",
    "safety.confirm": "a factor is set up by a person with a telephone",
    "safety.codes": "a program that can make recovery codes could stay for ever",
    "safety.off": "a program must not take the factor away",
    "tenants.picture": "the address in a tenant's “logo”",
    "my.enter": "a subscriber's own, who has no token",
    "my.begin": "a subscriber's own, who has no token",
    "my.leave": "a subscriber's own, who has no token",
    "my.home": "a subscriber's own, who has no token",
    "my.calls": "a subscriber's own, who has no token",
    "my.month": "a subscriber's own, who has no token",
    "my.password": "a subscriber's own, who has no token",
    "openid.start": "programs have tokens",
    "openid.back": "programs have tokens",
    "openid.account": "a link is made by a person at the provider's page",
    "openid.link": "a link is made by a person at the provider's page",
    "openid.unlink": "asks for the password of a person",
    "metrics.scrape": "an address of its own, for a collector",
    "jobs.healthz": "an address of its own, without a token",
    "jobs.readyz": "an address of its own, without a token",
    "api.page": "this document, to read",
    "api.openapi": "this document",
    "api.download": "this document",
    "design.index": "the pieces of screens",
    "design.bulk": "the pieces of screens",
    "design.confirm": "the pieces of screens",
    "design.drawer": "the pieces of screens",
    "design.say": "the pieces of screens",
}


def test_every_screen_has_its_operation(app: Flask) -> None:
    views = {rule.endpoint for rule in app.url_map.iter_rules()}
    operations = {f"api.{name}" for name in OPERATIONS}
    covered = {screen for operation in OPERATIONS.values() for screen in operation.screens}
    assert covered <= views
    assert views - operations - covered - set(NO_OPERATION) == set()
    assert not covered & set(NO_OPERATION)


def test_an_operation_asks_for_no_less_than_its_screens() -> None:
    """Who may not use the screen may not use the operation either."""
    for operation in OPERATIONS.values():
        mine = set(MAY[f"api.{operation.id}"])
        for screen in operation.screens:
            # Looking at a thing may be wider than the form that changes it.
            if MAY[screen] != PUBLIC and operation.writes:
                assert mine <= set(MAY[screen]), (operation.id, screen)


def test_the_document_is_whole() -> None:
    found = document()
    assert found["openapi"] == "3.1.0"
    described = [(path, method) for path, methods in found["paths"].items() for method in methods]
    assert len(described) == len(OPERATIONS)
    for path, method in described:
        one = found["paths"][path][method]
        assert one["security"] == [{"token": []}] and one["x-permission"]
        good = next(iter(one["responses"].values()))
        content = good.get("content", {}).get("application/json")
        assert content is None or content["example"], (path, method)
        if "requestBody" in one:
            assert one["requestBody"]["content"]["application/json"]["example"] is not None


def test_examples_fit_what_they_are_examples_of() -> None:
    from app.api import schema

    for operation in OPERATIONS.values():
        for shape in (operation.body, operation.answer):
            if shape is not None:
                schema.check(dict(shape.example), shape.schema())
                assert set(shape.example) <= set(shape.properties), shape.name
