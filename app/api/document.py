"""The OpenAPI 3.1 document, made of the declarations that also route and check."""

from __future__ import annotations

from typing import Any

from app.api.gate import KEY_PATTERN, parameters
from app.api.operations import OPERATIONS, PREFIX, Operation
from app.api.schema import Schema, text, whole

VERSION = "1.0.0"

_WHY = {
    "400": "What was sent does not fit; nothing was changed.",
    "401": "No token, or one that is not (or no longer) good.",
    "403": "The token or its operator's role does not include this.",
    "404": "There is nothing of this number, or it is not yours to see.",
    "409": "It cannot be done as things are; nothing was changed.",
    "412": "It was changed since it was read; nothing was changed by you.",
    "415": "The body is no JSON.",
    "422": "The Idempotency-Key stood for another request.",
    "428": "If-Match is missing.",
    "502": "The mail server refused, or does not answer.",
    "429": "The token has used up its requests of this minute; see Retry-After.",
    "503": "A database does not answer; try again.",
}

PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "type": text(200),
        "title": text(2000),
        "status": whole(400, 599),
        "detail": text(2000),
        "code": text(64),
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": text(200), "message": text(2000)},
                "required": ["field", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "code"],
}


def document() -> dict[str, Any]:
    """The whole document as plain values."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Schema] = {"Problem": PROBLEM}
    for operation in OPERATIONS.values():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
        for shape in (operation.body, operation.answer):
            if shape is not None:
                known = schemas.setdefault(shape.name, shape.schema())
                if known != shape.schema():
                    raise ValueError(f"two shapes are called {shape.name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OpenSIPS Companion",
            "version": VERSION,
            "description": "Everything that the panel's screens can do. Money is exact decimal"
            " text, instants are RFC 3339 in UTC. A list's “next” goes on with “after”.",
        },
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}],
        "tags": [{"name": tag} for tag in sorted({one.tag for one in OPERATIONS.values()})],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {f"e{status}": _problem(status) for status in _WHY},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of “Your account → API tokens”, limited to scopes.",
                }
            },
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": [{"token": []}],
        "x-permission": operation.permission,
        "parameters": [*_path(operation), *_query(operation), *_headers(operation)],
        "responses": _responses(operation),
    }
    if operation.help:
        found["description"] = operation.help
    if operation.body is not None:
        shown = {"schema": _reference(operation.body.name), "example": operation.body.example}
        found["requestBody"] = {"required": True, "content": {"application/json": shown}}
    return found


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": whole(1) if name.endswith("_id") else text(64, 1, pattern="^[0-9a-f]+$"),
        }
        for name in operation.path_names
    ]


def _query(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": param.name,
            "in": "query",
            "required": param.required,
            "schema": param.schema,
            "description": param.help,
        }
        for param in parameters(operation)
    ]


def _headers(operation: Operation) -> list[dict[str, Any]]:
    found = []
    if operation.method == "POST":
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": operation.needs_key,
                "schema": text(128, 1, pattern=KEY_PATTERN),
                "description": "The same key again gets the same answer and changes nothing.",
            }
        )
    if operation.needs_match:
        found.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": True,
                "schema": text(200, 1),
                "description": "The ETag that was read, or * to overwrite.",
            }
        )
    return found


def _responses(operation: Operation) -> dict[str, Any]:
    status = operation.status
    if operation.answer is None and not operation.stream and status == 200:
        status = 204
    found: dict[str, Any] = {str(status): _good(operation)}
    if operation.etag and not operation.writes:
        found["304"] = {"description": "It is still what If-None-Match names."}
    wanted = ["400", "401", "403", "429", "503"]
    if operation.path_names:
        wanted.append("404")
    if operation.body is not None:
        wanted += ["404", "409", "415"]
    if operation.writes:
        wanted += ["409"]
    if operation.method == "POST":
        wanted.append("422")
    if operation.id == "mail_test":
        wanted.append("502")
    if operation.needs_match:
        wanted += ["412", "428"]
    for status_text in sorted(set(wanted)):
        found[status_text] = {"$ref": f"#/components/responses/e{status_text}"}
    return found


def _good(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {"description": operation.summary}
    if operation.stream:
        found["content"] = {kind: {"schema": {"type": "string"}} for kind in operation.stream}
    elif operation.answer is not None:
        one = _reference(operation.answer.name)
        example: Any = operation.answer.example
        if operation.lists:
            one = {
                "type": "object",
                "properties": {
                    "items": {"type": "array", "items": one},
                    "next": {"type": ["string", "null"]},
                },
                "required": ["items", "next"],
            }
            example = {"items": [example], "next": None}
        found["content"] = {"application/json": {"schema": one, "example": example}}
    if operation.etag:
        found["headers"] = {"ETag": {"schema": {"type": "string"}}}
    return found


def _problem(status: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": _WHY[status],
        "content": {"application/problem+json": {"schema": _reference("Problem")}},
    }
    if status == "429":
        found["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return found
