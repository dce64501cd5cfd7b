"""The routes of all operations, the document, and the page to read and try it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from flask import Blueprint, Response, g, jsonify, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from app.api import gate, rate
from app.api.document import VERSION, document
from app.api.operations import OPERATIONS, PREFIX, Operation
from app.api.resources import declare
from app.identity.access import current_operator, requires

blueprint = Blueprint("api", __name__)


def _routes() -> None:
    declare()
    for operation in OPERATIONS.values():
        blueprint.add_url_rule(
            PREFIX + operation.rule,
            operation.id,
            requires(operation.permission)(gate.view(operation)),
            methods=[operation.method],
        )


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    """Tokens, not forms: what a page of ours sends is checked where the operator is found."""
    app = state.app
    app.extensions["csrf"].exempt(blueprint)
    app.extensions["api_limiter"] = rate.Limiter(app.extensions["settings"].api_rate)


@blueprint.after_request
def _standing(response: Response) -> Response:
    """How many requests are left, on every answer; when to come back, where none is."""
    standing: rate.Standing | None = g.get("rate")
    if standing is not None:
        shown = rate.Standing(standing.limit, max(standing.left, 0), standing.seconds)
        response.headers.update(shown.headers())
        if response.status_code == 429:
            response.headers["Retry-After"] = str(standing.seconds)
    return response


@blueprint.get(f"{PREFIX}/openapi.json")
@requires("self.write")
def openapi() -> ResponseReturnValue:
    """The OpenAPI document, for who has a token."""
    return jsonify(document())


@blueprint.get("/api/openapi.json")
@requires("self.write")
def download() -> ResponseReturnValue:
    """The same, for who is signed in."""
    return jsonify(document())


@dataclass(frozen=True, slots=True)
class Shown:
    """An operation as the page shows it."""

    operation: Operation
    may: bool
    body: str
    answer: str
    curl: str


@blueprint.get("/api")
@requires("self.write")
def page() -> ResponseReturnValue:
    """What there is, what it takes and answers; each can be tried."""
    ordered = sorted(OPERATIONS.values(), key=lambda one: one.tag)
    groups = [(tag, list(map(_shown, found))) for tag, found in groupby(ordered, lambda o: o.tag)]
    return render_template("api/page.html", groups=groups, version=VERSION, prefix=PREFIX)


def _shown(operation: Operation) -> Shown:
    body = _pretty(operation.body.example) if operation.body else ""
    answer = ""
    if operation.answer is not None:
        example = operation.answer.example
        answer = _pretty({"items": [example], "next": None} if operation.lists else example)
    may = current_operator().may(operation.permission)
    return Shown(operation, may, body, answer, " ".join(_curl(operation)))


def _curl(operation: Operation) -> Iterator[str]:
    yield "curl"
    if operation.method != "GET":
        yield f"-X {operation.method}"
    yield '-H "Authorization: Bearer $TOKEN"'
    if operation.method == "POST":
        yield '-H "Idempotency-Key: $(uuidgen)"'
    if operation.needs_match:
        yield "-H 'If-Match: *'"
    if operation.body is not None:
        example = json.dumps(operation.body.example, ensure_ascii=False)
        yield f"-H 'Content-Type: application/json' -d {shlex.quote(example)}"
    path = operation.path
    for name in operation.path_names:
        path = path.replace(f"{{{name}}}", "1" if name.endswith("_id") else "0f3a5c7e9b1d2f40")
    yield shlex.quote(f"{request.host_url.rstrip('/')}{PREFIX}{path}{_needed(operation)}")


def _needed(operation: Operation) -> str:
    needed = [f"{p.name}={_value(p.name)}" for p in operation.params if p.required]
    return "?" + "&".join(needed) if needed else ""


def _value(name: str) -> str:
    return {"dpid": "1", "number": "00442071234567"}.get(name, "alice")


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


_routes()
