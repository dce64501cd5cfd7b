"""An operation of the API, declared once: routing, checks, permission and document come from it.

@operation("GET", "/calls/{call_id}", "cdr.read", "One call", answer=CALL, screens=("cdr.show",))
def one(call: Call) -> Reply: ...
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement, Connection, Select

from app.api import cursors
from app.api.schema import Schema, Shape
from app.core.errors import CompanionError
from app.core.words import _
from app.identity.access import Operator
from app.identity.roles import PERMISSIONS
from app.shell import keyset
from app.shell.keyset import Page, Place

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter in the query."""

    name: str
    schema: Schema
    help: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``screens`` are the views whose work it does."""

    id: str
    method: str
    path: str
    permission: str
    summary: str
    handler: Callable[[Call], Any]
    help: str = ""
    tag: str = ""
    params: tuple[Param, ...] = ()
    body: Shape | None = None
    answer: Shape | None = None
    status: int = 200
    lists: bool = False
    etag: bool = False
    needs_match: bool = False
    needs_key: bool = False
    stream: tuple[str, ...] = ()
    screens: tuple[str, ...] = ()

    @property
    def path_names(self) -> list[str]:
        """The names in the path, in order."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    @property
    def rule(self) -> str:
        """The path as Flask writes it: what ends with ``_id`` is a whole number."""
        rule = self.path
        for name in self.path_names:
            kind = "int:" if name.endswith("_id") else ""
            rule = rule.replace(f"{{{name}}}", f"<{kind}{name}>")
        return rule

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"


class Stale(CompanionError):
    """Somebody changed the thing since it was read."""

    code = "stale"
    status = 412


class MatchNeeded(CompanionError):
    """A change that does not say what it saw."""

    code = "match_needed"
    status = 428


@dataclass(frozen=True, slots=True)
class Reply:
    """A body with headers of its own."""

    body: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a handler sees it: checked."""

    operation: Operation
    who: Operator
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    body: Any
    limit: int
    place: Place | None
    if_match: str | None
    key: str

    def page(
        self,
        connection: Connection,
        query: Select[Any],
        keys: Mapping[str, ColumnElement[Any]],
        *,
        descending: bool = False,
    ) -> Page:
        """The page that was asked for, in the order of ``keys``."""
        return keyset.page(
            connection,
            query,
            keys,
            descending=descending,
            place=self.place,
            limit=self.limit,
        )

    def listed(
        self,
        rows: Sequence[Any],
        older: str | None,
        plain: Callable[[Any], Mapping[str, Any]],
        **more: Any,
    ) -> Reply:
        """A page of a list; ``older`` is the place where the next one begins."""
        following = None
        headers = {}
        if older is not None:
            following = cursors.sealed(self.operation.id, self.who.tenant_id, Place.parse(older))
            values = {**self.path, **self.query, "limit": self.limit, "after": following}
            address = url_for(f"api.{self.operation.id}", **values)
            headers["Link"] = f'<{address}>; rel="next"'
        items = [plain(row) for row in rows]
        return Reply({"items": items, "next": following, **more}, 200, headers)

    def must_match(self, present: Mapping[str, Any]) -> None:
        """Raises Stale when the caller saw something else than is there now."""
        if self.if_match in (None, "*"):
            return
        seen = {part.strip().removeprefix("W/") for part in str(self.if_match).split(",")}
        if etag(present) not in seen:
            raise Stale(
                _("It was changed since you read it; nothing was changed by you."),
                _("Read it again, then repeat the change with the new ETag."),
            )


def etag(body: Any) -> str:
    """The strong ETag of a body (RFC 9110, 8.8.3)."""
    packed = json.dumps(body, sort_keys=True, ensure_ascii=False, default=str).encode()
    return f'"{hashlib.sha256(packed).hexdigest()[:32]}"'


OPERATIONS: dict[str, Operation] = {}
Handler = Callable[[Call], Any]


def operation(
    method: str, path: str, permission: str, summary: str, **more: Any
) -> Callable[[Handler], Handler]:
    """Declares an operation; its id is made of its file's and its function's name."""
    if permission not in PERMISSIONS:
        raise ValueError(f"'{permission}' is not in app.identity.roles.PERMISSIONS")

    def declare(handler: Handler) -> Handler:
        room = handler.__module__.rsplit(".", 1)[-1]
        name = f"{room}_{handler.__name__}"
        if name in OPERATIONS:
            raise ValueError(f"{name} is declared twice")
        made = Operation(
            name, method, path, permission, summary, handler, tag=room.replace("_", " "), **more
        )
        OPERATIONS[name] = made
        return handler

    return declare
