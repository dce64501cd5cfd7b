"""The screens of a tool, from its declaration: list, new, edit, clone, disable, delete, bulk.

A room makes ``ToolScreens(blueprint, TOOL, "/path")`` and adds its own list view, which answers
with ``screens.listed(template)``; everything else is here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.context import databases
from app.core.database import reading
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.words import _
from app.identity.access import requires
from app.opensips.tables import check_version
from app.provisioning import rows, saving
from app.provisioning.changeset import ChangeSet, Edit, Row
from app.provisioning.forms import ChangeForm, RowForm, form_for
from app.provisioning.screens.bulk import Bulk
from app.provisioning.screens.lists import RowList
from app.provisioning.tools.declaration import Tool
from app.shell.confirm import Confirmation, confirmation

_LARGEST = 2**31 - 1


class ToolScreens:
    """The screens of one tool on a blueprint; their endpoints are new, edit, delete, …"""

    def __init__(
        self,
        blueprint: Blueprint,
        tool: Tool,
        path: str,
        form_template: str = "provisioning/tool_form.html",
    ) -> None:
        self.blueprint, self.tool, self.words = blueprint, tool, tool.words
        self.form_template = form_template
        self.form_class = form_for(tool)
        self.bulk = Bulk(self)
        self.list = RowList(self)
        both, post, one = ["GET", "POST"], ["POST"], f"{path}/<int:row_id>"
        self._route(f"{path}/new", "new", self.new, both)
        self._route(one, "edit", self.edit, both)
        self._route(f"{one}/delete", "delete", self.delete, both)
        self._route(f"{path}/bulk/delete", "bulk_delete", partial(self.bulk.view, "delete"), post)
        if self.can_disable:
            self._route(f"{one}/state", "switch_state", self.switch_state, post)
            for deed in ("enable", "disable"):
                view = partial(self.bulk.view, deed)
                self._route(f"{path}/bulk/{deed}", f"bulk_{deed}", view, post)

    def _route(
        self, rule: str, name: str, view: Callable[..., ResponseReturnValue], methods: list[str]
    ) -> None:
        def guarded(**values: Any) -> ResponseReturnValue:
            return view(**values)

        guarded.__name__ = name
        self.blueprint.add_url_rule(rule, name, requires(self.tool.write)(guarded), methods=methods)

    @property
    def can_disable(self) -> bool:
        """Whether rows can be switched off."""
        return "disabled" in self.tool.names

    def url(self, name: str, **values: Any) -> str:
        """The address of one of the screens."""
        return url_for(f"{self.blueprint.name}.{name}", **values)

    def listed(
        self, template: str = "provisioning/tool_list.html", **values: Any
    ) -> ResponseReturnValue:
        """The list, filtered as its address says; ``values`` go to the template."""
        return self.list.answer(template, values)

    # ---- one row -----------------------------------------------------------------------------

    def new(self) -> ResponseReturnValue:
        """A new row: empty, with the values of the address, or with another row's (``from``)."""
        form = self.form_class()
        source = request.args.get("from", type=int)
        if request.method == "GET":
            if source is not None:
                form.fill(self.row(source))
            else:
                form.fill_from(request.args)
            form.begin()
            return self._form(form, None, cloned=source)
        if done := self.already(form):
            return done
        if not form.accepts():
            return self._form(form, None, status=422)
        with reading(databases().switch) as connection:
            check_version(connection, self.tool.table)
            after = rows.completed(connection, self.tool, form.row_values(), None)
            above = rows.highest_id(connection, self.tool)
        return self._save(form, Edit("", None, after, above), None)

    def edit(self, row_id: int) -> ResponseReturnValue:
        """An existing row; refuses to write over what somebody else did meanwhile."""
        form = self.form_class()
        if request.method == "GET":
            row = self.row(row_id)
            form.fill(row)
            form.begin(rows.fingerprint(row))
            return self._form(form, row)
        if done := self.already(form):
            return done
        with reading(databases().switch) as connection:
            current = rows.load(connection, self.tool, row_id) if row_id <= _LARGEST else None
            if current is None:
                form.seen.data = ""
                words = _("What you typed is still here: save to add it as a new one.")
                return self._form(form, None, status=409, notice=f"{self.words.gone} {words}")
            after = rows.completed(connection, self.tool, form.row_values(), current)
        if not form.accepts():
            return self._form(form, current, status=422)
        if form.seen.data != rows.fingerprint(current):
            # Shown once; saving again means it: the form now knows what is there.
            form.seen.data = rows.fingerprint(current)
            return self._form(form, current, status=409, theirs=self._theirs(current, after))
        return self._save(form, Edit(str(row_id), current, after), current)

    def switch_state(self, row_id: int) -> ResponseReturnValue:
        """Disables a row, or enables it again; leads back to the list as it was."""
        form = ChangeForm()
        current = self._confirmed(form, row_id)
        if not isinstance(current, dict):
            return current
        after = current | {"disabled": 0 if current["disabled"] else 1}
        made = self._made(form, [Edit(str(row_id), current, after)])
        if made.state != "written":
            return self.after(made)
        query = request.form.get("query", "")
        return self.after(made, self.url("index") + (f"?{query}" if query else ""))

    def delete(self, row_id: int) -> ResponseReturnValue:
        """Asks once more, naming the row, then deletes it."""
        form = ChangeForm()
        if request.method == "POST":
            current = self._confirmed(form, row_id)
            if not isinstance(current, dict):
                return current
            return self.after(self._made(form, [Edit(str(row_id), current, None)]))
        row = self.row(row_id)
        form.begin(rows.fingerprint(row))
        asked = Confirmation(
            title=self.words.of("delete", row_id),
            what=_("This is deleted, and every node is told:"),
            more=str(self.words.loss),
            deed=str(self.words.deletes),
            back=self.url("index"),
            danger=True,
            stay=_("Keep it"),
            objects=(self.tool.describe(row),),
        )
        edits = [Edit(str(row_id), row, None)]
        return confirmation(asked, form, "provisioning/confirm.html", edits=edits, tool=self.tool)

    # ---- what they share ---------------------------------------------------------------------

    def row(self, row_id: int) -> Row:
        """The row; raises NotFound in the tool's words."""
        with reading(databases().switch) as connection:
            check_version(connection, self.tool.table)
            row = rows.load(connection, self.tool, row_id) if row_id <= _LARGEST else None
        if row is None:
            raise NotFound(
                self.words.of("missing", row_id),
                _("It may have been deleted; see the changes."),
            )
        return row

    def already(self, form: ChangeForm) -> ResponseReturnValue | None:
        """Where a form leads that has already made its change."""
        set_id = saving.already(form.reference.data or "")
        return None if set_id is None else self._to(set_id)

    def after(self, made: ChangeSet, address: str | None = None) -> ResponseReturnValue:
        """Where a change leads: its own page, unless there is a better place."""
        return redirect(address, 303) if address else self._to(made.id)

    def confirm_form(self, row: Row) -> ChangeForm:
        """What a button on a row of the list carries."""
        form = ChangeForm(formdata=None)
        form.begin(rows.fingerprint(rows.plain(row)))
        return form

    def _to(self, set_id: int) -> ResponseReturnValue:
        return redirect(url_for("provisioning.show", set_id=set_id), 303)

    def _confirmed(self, form: ChangeForm, row_id: int) -> Row | ResponseReturnValue:
        """The row that a confirmation speaks of, or where a second click leads."""
        if done := self.already(form):
            return done
        form.must_be_whole()
        current = self.row(row_id)
        if form.seen.data != rows.fingerprint(current):
            raise Conflict(
                _(
                    "It was changed meanwhile and is now: %(what)s.",
                    what=self.tool.describe(current),
                ),
                _("Look at it again; nothing was changed."),
            )
        return current

    def _made(self, form: ChangeForm, edits: list[Edit]) -> ChangeSet:
        return saving.save(self.tool, edits, form.reference.data or "", form.comment.data or "")

    def _save(self, form: RowForm, wish: Edit, current: Row | None) -> ResponseReturnValue:
        try:
            return self.after(self._made(form, [wish]))
        except InvalidInput as exc:
            return self._form(form, current, status=422, notice=str(exc))

    def _form(
        self, form: RowForm, row: Row | None, *, status: int = 200, **more: Any
    ) -> ResponseReturnValue:
        values = {"screens": self, "tool": self.tool, "form": form, "row": row} | more
        return render_template(self.form_template, unsaved=status != 200, **values), status

    def _theirs(self, current: Row, mine: Row) -> list[tuple[Any, Any, Any]]:
        """(label, theirs, mine) of the columns that differ."""
        return [
            (column.label, current.get(column.name), mine.get(column.name))
            for column in self.tool.columns
            if current.get(column.name) != mine.get(column.name)
        ]
