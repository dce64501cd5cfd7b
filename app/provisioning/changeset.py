"""A change as a promise: who, why, and each row before and after, written down before the deed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, select

from app.core import clock
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.upsert import insert_once
from app.core.words import _
from app.provisioning.nodes import RETIRED
from app.provisioning.tables import change, change_set, node, push

Row = dict[str, Any]
COMMENT_LIMIT = 255


@dataclass(frozen=True, slots=True)
class Edit:
    """One row as it was seen and as it shall be; ``before`` None inserts, ``after`` None deletes.

    ``row_id`` is the primary key as text, empty for an insert. ``above_id`` is the highest id in
    the table before an insert.
    """

    row_id: str
    before: Row | None
    after: Row | None
    above_id: int | None = None
    # of the row that holds this edit, once it is written down
    change_id: int | None = None

    @property
    def kind(self) -> str:
        """``add``, ``delete`` or ``change``."""
        if self.before is None:
            return "add"
        return "delete" if self.after is None else "change"


@dataclass(frozen=True, slots=True)
class Author:
    """Who wants the change; ``operator_id`` is None for a command line."""

    login: str
    operator_id: int | None = None
    tenant_id: int = 1


@dataclass(frozen=True, slots=True)
class Draft:
    """A change set that is about to be written down. ``reference`` makes it happen once."""

    tool: str
    table: str
    edits: Sequence[Edit]
    author: Author
    reference: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Push:
    """How far a change set has come on one node."""

    id: int
    node: str
    node_retired: bool
    state: str
    level: str
    evidence: dict[str, Any]
    attempts: int
    problem: str
    next_at: int
    verified_at: int | None

    @property
    def done(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state == "verified" or self.node_retired


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change set with its rows and its nodes."""

    id: int
    tool: str
    table: str
    actor: str
    comment: str
    state: str
    problem: str
    created_at: int
    written_at: int | None
    reference: str
    edits: tuple[Edit, ...] = ()
    pushes: tuple[Push, ...] = field(default=())

    @property
    def settled(self) -> bool:
        """Whether its page needs no more looking at: refused, or verified everywhere."""
        if self.state == "conflict":
            return True
        return self.state == "written" and all(push.done for push in self.pushes)


def draft(connection: Connection, wish: Draft) -> tuple[int, bool]:
    """Writes the intent down; returns the change set's id and whether it is new.

    The same reference again gives the first one's id and changes nothing (a second click).
    """
    if not wish.edits or all(edit.before == edit.after for edit in wish.edits):
        raise InvalidInput(
            _("Nothing was changed."), _("Change something, or go back to the list.")
        )
    if len(wish.comment) > COMMENT_LIMIT:
        raise InvalidInput(
            _("The reason is longer than %(most)s characters.", most=COMMENT_LIMIT),
            _("Shorten it."),
            "comment",
        )
    values = {
        "tenant_id": wish.author.tenant_id,
        "tool": wish.tool,
        "operator_id": wish.author.operator_id,
        "actor": wish.author.login[:64],
        "comment": wish.comment,
        "state": "drafted",
        "problem": "",
        "reference": wish.reference,
        "created_at": clock.now_ms(),
    }
    set_id, fresh = insert_once(connection, change_set, values, ("reference",))
    if not fresh:
        return _same_author(connection, set_id, wish.author), False
    connection.execute(
        change.insert(),
        [
            {
                "tenant_id": wish.author.tenant_id,
                "change_set_id": set_id,
                "table_name": wish.table,
                "row_id": edit.row_id,
                "before": dumped(edit.before),
                "after": dumped(edit.after),
                "above_id": edit.above_id,
            }
            for edit in wish.edits
            if edit.before != edit.after
        ],
    )
    return set_id, True


def by_reference(connection: Connection, reference: str, author: Author) -> int | None:
    """The change set that this form already made, if it did."""
    set_id = connection.scalar(select(change_set.c.id).where(change_set.c.reference == reference))
    return None if set_id is None else _same_author(connection, set_id, author)


def _same_author(connection: Connection, set_id: int, author: Author) -> int:
    row = connection.execute(select(change_set).where(change_set.c.id == set_id)).one()
    if (row.tenant_id, row.actor) != (author.tenant_id, author.login[:64]):
        raise Conflict(_("This form was already used by somebody else."), _("Open it anew."))
    return set_id


def get(connection: Connection, set_id: int, *, tenant_id: int | None = None) -> ChangeSet:
    """A change set with everything; raises NotFound, also for another tenant's."""
    query = select(change_set).where(change_set.c.id == set_id)
    if tenant_id is not None:
        query = query.where(change_set.c.tenant_id == tenant_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(_("There is no such change."), _("Look for it in the list of changes."))
    return assembled(connection, [dict(row)])[0]


def sets_of(tenant_id: int) -> Select[Any]:
    """The query of a tenant's change sets; ``assembled`` reads its rows."""
    return select(change_set).where(change_set.c.tenant_id == tenant_id)


def assembled(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[ChangeSet]:
    """Change sets from rows of their table, each with its edits and pushes."""
    ids = [row["id"] for row in rows]
    edits, pushes = _edits_of(connection, ids), _pushes_of(connection, ids)
    return [_assembled(row, edits.get(row["id"], []), pushes.get(row["id"], ())) for row in rows]


def edits_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[Edit]]:
    """The rows of several change sets."""
    return {
        set_id: [edit for _table, edit in edits]
        for set_id, edits in _edits_of(connection, ids).items()
    }


def _assembled(
    row: Mapping[str, Any], edits: Sequence[tuple[str, Edit]], pushes: Sequence[Push]
) -> ChangeSet:
    return ChangeSet(
        id=row["id"],
        tool=row["tool"],
        table=edits[0][0] if edits else "",
        actor=row["actor"],
        comment=row["comment"],
        state=row["state"],
        problem=row["problem"],
        created_at=row["created_at"],
        written_at=row["written_at"],
        reference=row["reference"],
        edits=tuple(edit for _table, edit in edits),
        pushes=tuple(pushes),
    )


def _edits_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[tuple[str, Edit]]]:
    found: dict[int, list[tuple[str, Edit]]] = {}
    query = select(change).where(change.c.change_set_id.in_(ids)).order_by(change.c.id)
    for row in connection.execute(query):
        before, after = _load(row.before), _load(row.after)
        edit = Edit(row.row_id, before, after, row.above_id, row.id)
        found.setdefault(row.change_set_id, []).append((row.table_name, edit))
    return found


def _pushes_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[Push]]:
    found: dict[int, list[Push]] = {}
    query = (
        select(push, node.c.name, node.c.state.label("node_state"))
        .join(node, node.c.id == push.c.node_id)
        .where(push.c.change_set_id.in_(ids))
        .order_by(node.c.name)
    )
    for row in connection.execute(query):
        found.setdefault(row.change_set_id, []).append(
            Push(
                row.id,
                row.name,
                row.node_state == RETIRED,
                row.state,
                row.level,
                _load(row.evidence) or {},
                row.attempts,
                row.problem,
                row.next_at,
                row.verified_at,
            )
        )
    return found


def dumped(row: Mapping[str, Any] | None) -> str | None:
    """How a row is written down: the same values give the same text."""
    return None if row is None else json.dumps(dict(row), ensure_ascii=False, sort_keys=True)


def _load(text: str | None) -> Row | None:
    if text is None:
        return None
    row: Row = json.loads(text)
    return row
