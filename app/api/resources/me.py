"""One's own account: how it looks, password, sessions."""

from __future__ import annotations

from typing import Any

from flask import request

from app.api.operations import Call, Reply, operation
from app.api.schema import Shape, choice, flag, maybe, moment, several, text, whole
from app.core import clock, formats
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import NotFound
from app.core.words import _
from app.identity import audit, operators, second_factor, sessions, throttle, tokens
from app.identity.access import Operator
from app.identity.roles import ROLES

ME = Shape(
    "Me",
    {
        "id": whole(1),
        "login": text(64),
        "role": choice(*ROLES),
        "tenant_id": whole(1),
        "zone": text(64),
        "locale": choice(*formats.LOCALES),
        "second_factor": flag(),
        "permissions": several(text(64)),
        "token_ends_at": maybe(moment()),
    },
    {
        "id": 3,
        "login": "ann",
        "role": "noc",
        "tenant_id": 1,
        "zone": "Europe/Berlin",
        "locale": "de-DE",
        "second_factor": True,
        "permissions": ["cdr.read", "home.read"],
        "token_ends_at": "2027-02-21T12:00:00.000Z",
    },
)
LOOK = Shape(
    "MePatch",
    {"zone": text(64, 1), "locale": choice(*formats.LOCALES)},
    {"zone": "Europe/Berlin"},
    frozenset({"zone", "locale"}),
    inbound=True,
)
PASSWORDS = Shape(
    "PasswordChange",
    {"old": text(256, 1), "new": text(256, 1)},
    {"old": "correct horse battery", "new": "violin harbour seventeen"},
    inbound=True,
)
SESSION = Shape(
    "Session",
    {
        "mark": text(16),
        "created_at": moment(),
        "seen_at": moment(),
        "expires_at": moment(),
        "address": maybe(text(64)),
        "user_agent": maybe(text(255)),
    },
    {
        "mark": "0f3a5c7e9b1d2f40",
        "created_at": "2026-11-23T08:00:00.000Z",
        "seen_at": "2026-11-23T12:00:00.000Z",
        "expires_at": "2026-11-30T08:00:00.000Z",
        "address": "192.0.2.7",
        "user_agent": "Mozilla/5.0",
    },
)
ENDED = Shape("EndedOwnSessions", {"sessions": whole()}, {"sessions": 2})


@operation("GET", "/me", "self.write", "Who asks, and what this token may do", answer=ME)
def who(call: Call) -> dict[str, Any]:
    """The operator of the token."""
    return _me(call.who)


@operation(
    "PATCH",
    "/me",
    "self.write",
    "Change the zone or the locale",
    body=LOOK,
    answer=ME,
    screens=("identity.account", "identity.view", "shell.zones"),
)
def change(call: Call) -> dict[str, Any]:
    """What is not named stays as it is."""
    number = call.who.id
    with writing(databases().panel) as connection:
        wanted = {name: call.body.get(name) for name in ("zone", "locale")}
        operators.set_look(connection, number, **wanted)
    return _me(call.who) | dict(call.body)


@operation(
    "POST",
    "/me/password",
    "self.write",
    "Change one's own password",
    help="All sessions end; tokens stay.",
    body=PASSWORDS,
    screens=("identity.password",),
)
def password(call: Call) -> None:
    """Throttled like a sign-in."""
    panel, mine = databases().panel, call.who
    number = throttle.attempt(panel, mine.login, request.remote_addr or "local", "confirm")
    operators.change_password(panel, mine.id, call.body["old"], call.body["new"])
    with writing(panel) as connection:
        throttle.succeeded(connection, number, mine.login, "confirm")


@operation(
    "GET",
    "/me/sessions",
    "self.write",
    "Where one is signed in",
    answer=SESSION,
    lists=True,
    screens=("safety.devices",),
)
def devices(call: Call) -> Reply:
    """All on one page."""
    with reading(databases().panel) as connection:
        found = sessions.of(connection, call.who.id)
    return call.listed(found, None, _session)


@operation(
    "DELETE",
    "/me/sessions/{mark}",
    "self.write",
    "End one of one's own sessions",
    screens=("safety.end",),
)
def end(call: Call) -> None:
    """``mark`` is how its hash begins."""
    mark = str(call.path["mark"])
    with writing(databases().panel) as connection:
        if not sessions.end_own(connection, call.who.id, mark):
            raise NotFound(_("There is no such session."), _("It may have ended already."))
        audit.record(connection, action="session.ended", object=f"operator:{call.who.id}")


@operation(
    "DELETE",
    "/me/sessions",
    "self.write",
    "End all of one's own sessions",
    answer=ENDED,
    screens=("safety.end_others",),
)
def end_all(call: Call) -> dict[str, Any]:
    """Tokens stay; a page of ours stays signed in."""
    mine = call.who
    keep = mine.session_hash if mine.scopes is None else None
    with writing(databases().panel) as connection:
        count = sessions.revoke_all(connection, mine.id, but=keep)
        detail, named = {"sessions": count}, f"operator:{mine.id}"
        audit.record(connection, action="session.ended", object=named, detail=detail)
    return {"sessions": count}


def _me(mine: Operator) -> dict[str, Any]:
    with reading(databases().panel) as connection:
        on = second_factor.is_on(connection, mine.id)
    return {
        "id": mine.id,
        "login": mine.login,
        "role": mine.role,
        "tenant_id": mine.tenant_id,
        "zone": mine.zone,
        "locale": mine.locale,
        "second_factor": on,
        "permissions": tokens.scopes_for(mine),
        "token_ends_at": clock.iso(mine.token_ends),
    }


def _session(row: Any) -> dict[str, Any]:
    moments = {name: clock.iso(row[name]) for name in ("created_at", "seen_at", "expires_at")}
    return {
        "mark": row["token_hash"][:16],
        **moments,
        "address": row["address"],
        "user_agent": row["user_agent"],
    }
