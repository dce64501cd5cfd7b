"""Takes a change back: the reverse change set, as long as the rows are what the change left."""

from __future__ import annotations

import re

from sqlalchemy import Connection, select

from app.core.database import Databases, reading
from app.core.errors import Conflict
from app.core.settings import Settings
from app.core.words import _
from app.provisioning import guard, rows, writer
from app.provisioning.changeset import Author, ChangeSet, Draft, Edit, Row
from app.provisioning.tables import change_set
from app.provisioning.tools.registry import tool

# An attempt that somebody's edit made fail may be repeated that often.
MOST_TRIES = 9
_REFERENCE = re.compile(r"undo-(\d+)-\d")


def reverse(found: ChangeSet) -> list[Edit]:
    """The edits that make every row what it was, the last one first."""
    key = tool(found.tool).key
    edits = []
    for edit in reversed(found.edits):
        left = None if edit.after is None else {**edit.after, key: int(edit.row_id)}
        if edit.before is None:
            edits.append(Edit(edit.row_id, left, None))
        elif edit.after is None:
            # inserted with its number: what refers to it finds it again
            edits.append(Edit("", None, {**edit.before, key: int(edit.row_id)}))
        else:
            edits.append(Edit(edit.row_id, left, edit.before))
    return edits


def undone_by(connection: Connection, set_id: int) -> int | None:
    """The change set that took this one back, if one did."""
    return connection.scalar(
        select(change_set.c.id)
        .where(change_set.c.reference.in_(_references(set_id)), change_set.c.state != "conflict")
        .order_by(change_set.c.id)
        .limit(1)
    )


def undoes(found: ChangeSet) -> int | None:
    """The change set that this one took back."""
    match = _REFERENCE.fullmatch(found.reference)
    return int(match[1]) if match else None


def refusal(dbs: Databases, found: ChangeSet) -> str:
    """Why the change cannot be taken back, in a sentence; empty when it can."""
    if found.state != "written":
        return _("Change %(id)s was never written: there is nothing to undo.", id=found.id)
    with reading(dbs.panel) as connection:
        other = undone_by(connection, found.id)
    if other is not None:
        return _("Change %(id)s was undone already, by change %(other)s.", id=found.id, other=other)
    used = tool(found.tool)
    # What the rows are as far as undone: a number may be given twice in one change set.
    become: dict[int, Row | None] = {}
    with reading(dbs.switch) as connection:
        for edit in reverse(found):
            row_id = int(edit.row_id or (edit.after or {})[used.key])
            if row_id not in become:
                become[row_id] = rows.load(connection, used, row_id)
            if not guard.same(become[row_id], edit.before):
                return guard.difference(used, row_id, edit.before, become[row_id])
            become[row_id] = edit.after
    return ""


def check(dbs: Databases, found: ChangeSet) -> None:
    """Raises Conflict, with the reason, when the change cannot be taken back."""
    if why := refusal(dbs, found):
        raise Conflict(why, _("Look at the row; change by hand what you still want changed."))


def submit(
    dbs: Databases, settings: Settings, found: ChangeSet, author: Author, comment: str = ""
) -> int:
    """Makes and writes the reverse change set; returns its id. Raises Conflict with the reason."""
    check(dbs, found)
    with reading(dbs.panel) as connection:
        used = connection.scalars(
            select(change_set.c.reference).where(change_set.c.reference.in_(_references(found.id)))
        ).all()
    free = [name for name in _references(found.id) if name not in used]
    if not free:
        raise Conflict(
            _("Change %(id)s could not be undone %(num)s times.", id=found.id, num=MOST_TRIES),
            _("Change the row by hand."),
        )
    return writer.submit(
        dbs,
        settings,
        Draft(
            found.tool,
            found.table,
            reverse(found),
            author,
            free[0],
            comment or _("Undo of change %(id)s", id=found.id),
        ),
    )


def _references(set_id: int) -> list[str]:
    return [f"undo-{set_id}-{number}" for number in range(1, MOST_TRIES + 1)]
