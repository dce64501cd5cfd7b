"""One's own tokens for this API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.api.operations import Call, Reply, operation
from app.api.schema import Shape, choice, maybe, moment, several, text, whole
from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.identity import tokens
from app.identity.roles import PERMISSIONS

_SCOPES = several(choice(*sorted(PERMISSIONS)), len(PERMISSIONS), 1)
TOKEN = Shape(
    "Token",
    {
        "id": whole(1),
        "name": text(80),
        "scopes": several(text(64)),
        "created_at": moment(),
        "expires_at": moment(),
        "used_at": maybe(moment()),
    },
    {
        "id": 7,
        "name": "nightly export",
        "scopes": ["cdr.read"],
        "created_at": "2026-11-23T12:00:00.000Z",
        "expires_at": "2027-02-21T12:00:00.000Z",
        "used_at": None,
    },
)
NEW = Shape(
    "NewToken",
    {"name": text(80, 1), "scopes": _SCOPES, "days": whole(1, tokens.LONGEST_DAYS)},
    {"name": "nightly export", "scopes": ["cdr.read"], "days": 90},
    inbound=True,
)
MADE = Shape(
    "MadeToken",
    {"id": whole(1), "token": text(100)},
    {"id": 7, "token": "osc_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE"},
)


@operation(
    "GET",
    "/me/tokens",
    "self.write",
    "List one's own tokens, newest first",
    answer=TOKEN,
    lists=True,
    screens=("tokens.index",),
)
def index(call: Call) -> Reply:
    """All on one page; the tokens themselves are nowhere."""
    with reading(databases().panel) as connection:
        found = tokens.of(connection, call.who.id)
    return call.listed(found, None, _plain)


@operation(
    "POST",
    "/me/tokens",
    "self.write",
    "Make a token, which is in this answer alone",
    help="A token makes no token that may more, or lives longer, than itself.",
    body=NEW,
    answer=MADE,
    status=201,
    screens=("tokens.new",),
)
def add(call: Call) -> dict[str, Any]:
    """Its number and the token."""
    with writing(databases().panel) as connection:
        number, token = tokens.create(connection, call.who, **call.body)
    return {"id": number, "token": token}


@operation(
    "DELETE",
    "/me/tokens/{token_id}",
    "self.write",
    "Revoke one of one's own tokens",
    screens=("tokens.revoke",),
)
def revoke(call: Call) -> None:
    """It opens nothing from now on."""
    with writing(databases().panel) as connection:
        tokens.revoke(connection, call.who.id, call.path["token_id"])


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    moments = {name: clock.iso(row[name]) for name in ("created_at", "expires_at", "used_at")}
    shown = {"id": row["id"], "name": row["name"], "scopes": json.loads(row["scopes"])}
    return {**shown, **moments}
