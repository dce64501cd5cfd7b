"""One deed on several rows of a tool: asked on a page that names them, made as one change set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import redirect, request
from flask.typing import ResponseReturnValue

from app.core.context import databases
from app.core.database import reading
from app.core.errors import Conflict, InvalidInput
from app.core.words import _, _n
from app.opensips.tables import check_version
from app.provisioning import rows, saving
from app.provisioning.changeset import Edit, Row
from app.provisioning.forms import ChangeForm
from app.shell.confirm import Confirmation, confirmation
from app.shell.toasts import toast

if TYPE_CHECKING:
    from app.provisioning.screens import ToolScreens

# So many rows fit into a change set that a person can still look over.
MOST = 500


class Bulk:
    """Enable, disable or delete the rows that were ticked."""

    def __init__(self, screens: ToolScreens) -> None:
        self.screens = screens

    def view(self, deed: str) -> ResponseReturnValue:
        """The first POST asks, the second, which carries what the first one saw, does it."""
        form, ids = ChangeForm(), _ids()
        if done := self.screens.already(form):
            return done
        edits = _edits(self.screens, ids, deed)
        if not edits:
            toast(_("Nothing to do: they are all so already, or gone."))
            return redirect(self.screens.url("index"), 303)
        seen = rows.fingerprint([edit.before or {} for edit in edits])
        if not form.reference.data:
            form.begin(seen)
            return self._question(form, deed, edits)
        if not form.validate_on_submit():
            return self._question(form, deed, edits), 422
        if form.seen.data != seen:
            raise Conflict(
                _("Some of these rows were changed meanwhile; nothing was changed by you."),
                _("Go back to the list and choose again."),
            )
        reference, comment = form.reference.data or "", form.comment.data or ""
        return self.screens.after(saving.save(self.screens.tool, edits, reference, comment))

    def _question(self, form: ChangeForm, deed: str, edits: Sequence[Edit]) -> str:
        tool, count = self.screens.tool, len(edits)
        titles = {
            "enable": _n("Enable one row?", "Enable %(num)s rows?", count),
            "disable": _n("Disable one row?", "Disable %(num)s rows?", count),
            "delete": _n("Delete one row?", "Delete %(num)s rows?", count),
        }
        deeds = {
            "enable": _n("Enable the row", "Enable %(num)s rows", count),
            "disable": _n("Disable the row", "Disable %(num)s rows", count),
            "delete": _n("Delete the row", "Delete %(num)s rows", count),
        }
        what = {
            "enable": _("These are used again from now on, and every node is told, all at once:"),
            "disable": _("These are kept but not used, and every node is told, all at once:"),
            "delete": _("These are deleted, and every node is told, all at once:"),
        }
        asked = Confirmation(
            title=titles[deed],
            what=what[deed],
            more=str(tool.words.loss) if deed == "delete" else "",
            deed=deeds[deed],
            back=self.screens.url("index"),
            danger=deed == "delete",
            stay=_("Leave them as they are"),
            objects=[tool.describe(edit.before or {}) for edit in edits],
            sent=[("ids", edit.row_id) for edit in edits],
        )
        return confirmation(asked, form, "provisioning/confirm.html", edits=edits, tool=tool)


def _ids() -> list[int]:
    texts = request.form.getlist("ids")
    ids = sorted({int(text) for text in texts if text.isascii() and text.isdigit()})
    if not ids or ids[-1] >= 2**31:
        raise InvalidInput(_("No row was chosen."), _("Tick the rows that you mean."), "ids")
    if len(ids) > MOST:
        raise InvalidInput(
            _("At most %(most)s rows can be changed at once.", most=MOST),
            _("Choose fewer."),
            "ids",
        )
    return ids


def _edits(screens: ToolScreens, ids: list[int], deed: str) -> list[Edit]:
    tool = screens.tool
    with reading(databases().switch) as connection:
        check_version(connection, tool.table)
        found = rows.load_many(connection, tool, ids)
    wanted = {"enable": 0, "disable": 1}.get(deed)

    def after(row: Row) -> Row | None:
        return None if wanted is None else row | {"disabled": wanted}

    edits = [Edit(str(row[tool.key]), row, after(row)) for row in found]
    return [edit for edit in edits if edit.before != edit.after]
