"""From a form to a change set: who wants it, what the audit keeps, what the next page says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for

from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.words import _
from app.identity import audit
from app.identity.access import current_operator
from app.provisioning import changeset, undo, writer
from app.provisioning.changeset import Author, ChangeSet, Draft, Edit
from app.provisioning.tools.declaration import Tool
from app.provisioning.words import kind, summary
from app.shell.toasts import toast


def author() -> Author:
    """Whoever is signed in."""
    operator = current_operator()
    return Author(operator.login, operator.id, operator.tenant_id)


def load(set_id: int) -> ChangeSet:
    """The change set, of the operator's tenant; raises NotFound."""
    with reading(databases().panel) as connection:
        return changeset.get(connection, set_id, tenant_id=current_operator().tenant_id)


def already(reference: str) -> int | None:
    """The change set that a form with this reference has made: a second click is the same."""
    with reading(databases().panel) as connection:
        return changeset.by_reference(connection, reference, author())


def save(tool: Tool, edits: Sequence[Edit], reference: str, comment: str) -> ChangeSet:
    """Makes, writes and records one change set of these edits; the next page says so."""
    draft = Draft(tool.name, tool.table, edits, author(), reference, comment)
    set_id = writer.submit(databases(), settings(), draft)
    kinds = {kind(edit) for edit in edits}
    deed = kinds.pop() if len(kinds) == 1 else "change"
    images = [{"before": edit.before, "after": edit.after} for edit in edits]
    detail = images[0] if len(images) == 1 else {"rows": images}
    return _said(set_id, f"{tool.name}.{deed}", detail)


def take_back(found: ChangeSet, comment: str) -> int:
    """Undoes a change set by another one, whose id it returns; a second click is the same.

    Raises Conflict with a sentence when it cannot be undone.
    """
    with reading(databases().panel) as connection:
        other = undo.undone_by(connection, found.id)
    if other is not None:
        return other
    set_id = undo.submit(databases(), settings(), found, author(), comment)
    return _said(set_id, f"{found.tool}.undo", {"undoes": found.id}).id


def _said(set_id: int, action: str, detail: Mapping[str, Any]) -> ChangeSet:
    with writing(databases().panel) as connection:
        audit.record(connection, action=action, object=f"change_set:{set_id}", detail=detail)
    found = load(set_id)
    if found.state == "written":
        address = url_for("provisioning.undo_set", set_id=set_id)
        toast(_("Saved: %(what)s", what=summary(found)), undo=address, label=_("Undo"))
    return found
