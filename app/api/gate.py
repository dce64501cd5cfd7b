"""From a request to a handler and back: parameters, body, rate, ETag, Idempotency-Key, fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, current_app, g, request
from werkzeug.exceptions import UnsupportedMediaType

from app.api import cursors, once, rate, schema
from app.api.operations import Call, MatchNeeded, Operation, Param, Reply, etag
from app.api.schema import BadRequest, Schema
from app.core.context import databases, settings
from app.core.errors import InvalidInput, NotFound
from app.core.words import _
from app.identity.access import Operator, current_operator

LIMIT, MOST = 50, 500
# What every list takes.
PAGING = (
    Param("limit", schema.whole(1, MOST, default=LIMIT), "How many at most."),
    Param("after", schema.text(2000), "The “next” of the page before."),
)
FIELDS = Param(
    "fields",
    schema.text(500, pattern="^[a-z0-9_,]+$"),
    "Only these fields, separated by commas.",
)
# Headers that are part of a kept answer.
_KEPT = ("ETag", "Location")
KEY_PATTERN = r"^[!-~]{1,128}$"


def view(operation: Operation) -> Callable[..., Response]:
    """The view function of an operation."""

    def run(**path: Any) -> Response:
        who = current_operator()
        _count(who)
        _check_path(path)
        query = _query(operation)
        body = _body(operation)
        _check_match(operation)
        key = _key(operation)
        call = Call(
            operation,
            who,
            path,
            query,
            body,
            query.pop("limit", LIMIT),
            _place(operation, who, query.pop("after", None)),
            request.headers.get("If-Match"),
            key,
        )
        if not key:
            return _answer(operation, call, query.pop("fields", None))
        return _once(operation, call)

    run.__name__ = operation.id
    return run


def _count(who: Operator) -> None:
    limiter: rate.Limiter = current_app.extensions["api_limiter"]
    name = who.session_hash if who.scopes is not None else f"operator:{who.id}"
    standing = limiter.take(databases().panel, name, who.tenant_id)
    g.rate = standing
    if standing.left < 0:
        raise rate.refused(standing)


def _check_path(path: Mapping[str, Any]) -> None:
    if any(isinstance(value, int) and value > schema.ID_MOST for value in path.values()):
        raise NotFound(_("There is nothing of this number."), _("The list shows what there is."))


def _query(operation: Operation) -> dict[str, Any]:
    known = {param.name: param.schema for param in parameters(operation)}
    found: dict[str, Any] = {}
    errors: list[tuple[str, str]] = []
    for name in request.args:
        given = request.args.getlist(name)
        if name not in known:
            errors.append((name[:64], _("This operation knows no such parameter.")))
        elif len(given) > 1:
            errors.append((name, _("This may stand once.")))
        else:
            found[name] = _typed(given[0], known[name])
            errors += [(name, words) for _at, words in _misfits(found[name], known[name])]
    errors += [
        (param.name, _("This is missing."))
        for param in operation.params
        if param.required and param.name not in found
    ]
    if errors:
        raise BadRequest(errors)
    return found


def parameters(operation: Operation) -> list[Param]:
    """All that may stand in the query: the operation's own, a list's, and the fields."""
    shared = PAGING if operation.lists else ()
    fields = (FIELDS,) if operation.answer is not None and not operation.writes else ()
    return [*operation.params, *shared, *fields]


def _misfits(value: Any, wanted: Schema) -> list[tuple[str, str]]:
    try:
        schema.check(value, wanted)
    except BadRequest as error:
        return error.errors
    return []


def _typed(text: str, wanted: Schema) -> Any:
    if wanted["type"] == "integer" and re.fullmatch(r"-?[0-9]{1,19}", text):
        return int(text)
    if wanted["type"] == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _body(operation: Operation) -> Any:
    if operation.body is None:
        return None
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    value = schema.parse(request.get_data())
    schema.check(value, operation.body.schema())
    return value


def _check_match(operation: Operation) -> None:
    if operation.needs_match and not request.headers.get("If-Match"):
        raise MatchNeeded(
            _("Say which state you change: If-Match is missing."),
            _("Send the ETag that you read, or * to overwrite whatever is there."),
        )


def _key(operation: Operation) -> str:
    key = request.headers.get("Idempotency-Key", "") if operation.method == "POST" else ""
    if key and not re.fullmatch(KEY_PATTERN.replace("$", ""), key):
        raise InvalidInput(
            _("This Idempotency-Key cannot be used."),
            _("Use 1 to 128 letters, digits and signs, such as a UUID."),
            "Idempotency-Key",
        )
    if operation.needs_key and not key:
        raise InvalidInput(
            _("What moves money needs an Idempotency-Key."),
            _("Send a new UUID with each deed, and the same one when you repeat it."),
            "Idempotency-Key",
        )
    return key


def _place(operation: Operation, who: Operator, cursor: str | None) -> Any:
    return None if cursor is None else cursors.opened(operation.id, who.tenant_id, cursor)


def _once(operation: Operation, call: Call) -> Response:
    panel, secret = databases().panel, settings().secret_key
    asked = f"{request.method} {request.full_path}\n".encode() + request.get_data()
    kept = once.begin(panel, call.who, call.key, asked, secret)
    if kept is not None:
        headers = kept.headers | {"Idempotency-Replayed": "true"}
        return Response(kept.body, kept.status, headers, mimetype="application/json")
    try:
        answer = _answer(operation, call, None)
    except BaseException:
        once.finish(panel, call.who, call.key, secret, None)
        raise
    headers = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
    done = once.Kept(answer.status_code, answer.get_data(as_text=True), headers)
    once.finish(panel, call.who, call.key, secret, done)
    return answer


def _answer(operation: Operation, call: Call, fields: str | None) -> Response:
    made = operation.handler(call)
    if isinstance(made, Response):
        return made
    reply = made if isinstance(made, Reply) else Reply(made)
    headers = dict(reply.headers)
    status = reply.status or operation.status
    if operation.etag and reply.body is not None:
        headers["ETag"] = etag(reply.body)
        if request.method == "GET" and headers["ETag"] in _wanted_tags():
            return Response(status=304, headers=headers)
    if reply.body is None:
        return Response(status=204 if status == 200 else status, headers=headers)
    body = _only(operation, reply.body, fields) if fields else reply.body
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, headers, mimetype="application/json")


def _wanted_tags() -> set[str]:
    given = request.headers.get("If-None-Match", "")
    return {part.strip().removeprefix("W/") for part in given.split(",")}


def _only(operation: Operation, body: Any, fields: str) -> Any:
    """The body with the fields that are wanted; of a list, each item's."""
    wanted = set(fields.split(","))
    known = set(operation.answer.properties) if operation.answer else set()
    if unknown := sorted(wanted - known - {""}):
        raise BadRequest([("fields", _("There is no field %(name)s.", name=unknown[0]))])
    if operation.lists:
        return body | {"items": [_some(item, wanted) for item in body["items"]]}
    return _some(body, wanted)


def _some(item: Mapping[str, Any], wanted: set[str]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name in wanted}
