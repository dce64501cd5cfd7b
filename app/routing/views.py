"""The dialplan: list, add, edit, clone, disable, delete, try."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.errors import CompanionError, Conflict, InvalidInput, NotFound
from app.identity import audit
from app.identity.access import current_operator, requires
from app.provisioning import changeset, nodes, rows, writer
from app.provisioning.changeset import Author, Draft, Edit, Row
from app.provisioning.forms import ChangeForm, RowForm
from app.provisioning.tools.dialplan import COLUMNS, DIALPLAN
from app.routing import dialplan
from app.routing.forms import ConfirmForm, RuleForm

blueprint = Blueprint("routing", __name__)

PAGE = 100
_INT = 2**31 - 1


@blueprint.get("/dialplan")
@requires("dialplan.read")
def index() -> ResponseReturnValue:
    """The rules, by dialplan and priority."""
    dpid, text = _whole("dpid"), request.args.get("q", "").strip()[:64]
    with reading(databases().switch) as connection:
        known = dialplan.dpids(connection)
        found = dialplan.browse(connection, dpid=dpid, text=text, after=_place(), limit=PAGE + 1)
    forms = {}
    for listed in found[:PAGE]:
        form = ConfirmForm(formdata=None)
        form.begin(listed.seen)
        forms[listed.row["id"]] = form
    older = found[PAGE - 1].place if len(found) > PAGE else None
    return render_template(
        "routing/dialplan_list.html",
        found=found[:PAGE],
        forms=forms,
        dpids=known,
        dpid=dpid,
        q=text,
        after=request.args.get("after"),
        older=".".join(map(str, older)) if older else None,
        **_trial(),
    )


@blueprint.get("/dialplan/try")
@requires("dialplan.read")
def try_number() -> ResponseReturnValue:
    """What becomes of a number, by the table and on every node; only ever on demand."""
    if not request.headers.get("HX-Request"):
        return redirect(f"{url_for('routing.index')}?{request.query_string.decode('ascii')}")
    return render_template("routing/dialplan_trial.html", **_trial())


@blueprint.route("/dialplan/new", methods=["GET", "POST"])
@requires("dialplan.write")
def new() -> ResponseReturnValue:
    """A new rule, empty or with another one's values."""
    form = RuleForm()
    source = _whole("from")
    if request.method == "GET":
        if source is not None:
            form.fill(_row(source))
        elif (dpid := _whole("dpid")) is not None:
            form.dpid.data = str(dpid)
        form.begin()
        return _form_page(form, None, cloned=source)
    if done := _already(form):
        return done
    if not form.accepts():
        return _form_page(form, None, status=422)
    with reading(databases().switch) as connection:
        dialplan.table_of(connection)
        after = rows.completed(connection, DIALPLAN, form.row_values(), None)
        above = rows.highest_id(connection, DIALPLAN)
    return _submit(form, Edit("", None, after, above), None)


@blueprint.route("/dialplan/<int:row_id>", methods=["GET", "POST"])
@requires("dialplan.write")
def edit(row_id: int) -> ResponseReturnValue:
    """An existing rule."""
    form = RuleForm()
    if request.method == "GET":
        row = _row(row_id)
        form.fill(row)
        form.begin(rows.fingerprint(row))
        return _form_page(form, row)
    if done := _already(form):
        return done
    with reading(databases().switch) as connection:
        current = rows.load(connection, DIALPLAN, row_id)
        if current is None:
            return _deleted_meanwhile(form)
        after = rows.completed(connection, DIALPLAN, form.row_values(), current)
    if not form.accepts():
        return _form_page(form, current, status=422)
    if form.seen.data != rows.fingerprint(current):
        # Shown once; saving again means it: the form now knows what is there.
        form.seen.data = rows.fingerprint(current)
        return _form_page(form, current, status=409, theirs=_differences(current, after))
    return _submit(form, Edit(str(row_id), current, after), current)


@blueprint.post("/dialplan/<int:row_id>/state")
@requires("dialplan.write")
def switch_state(row_id: int) -> ResponseReturnValue:
    """Disables a rule, or enables it again."""
    form = ConfirmForm()
    current = _confirmed(form, row_id)
    if not isinstance(current, dict):
        return current
    after = current | {"disabled": 0 if current["disabled"] else 1}
    return _submit(form, Edit(str(row_id), current, after), current)


@blueprint.route("/dialplan/<int:row_id>/delete", methods=["GET", "POST"])
@requires("dialplan.write")
def delete(row_id: int) -> ResponseReturnValue:
    """Asks once more, naming the rule, then deletes it."""
    form = ConfirmForm()
    if request.method == "GET":
        row = _row(row_id)
        form.begin(rows.fingerprint(row))
        words = DIALPLAN.describe(row)
        return render_template("routing/dialplan_delete.html", form=form, row=row, words=words)
    current = _confirmed(form, row_id)
    if not isinstance(current, dict):
        return current
    return _submit(form, Edit(str(row_id), current, None), current)


def _confirmed(form: ConfirmForm, row_id: int) -> Row | ResponseReturnValue:
    """The row that a confirmation speaks of, or where a second click leads."""
    if done := _already(form):
        return done
    if not form.validate_on_submit():
        problems = [text for texts in form.errors.values() for text in texts]
        raise InvalidInput(" ".join(map(str, problems)), "Open the page again.")
    current = _row(row_id)
    if form.seen.data != rows.fingerprint(current):
        raise Conflict(
            f"The rule was changed meanwhile, it is now: {DIALPLAN.describe(current)}.",
            "Look at it again; nothing was changed.",
        )
    return current


def _author() -> Author:
    operator = current_operator()
    return Author(operator.login, operator.id, operator.tenant_id)


def _already(form: ChangeForm) -> ResponseReturnValue | None:
    """Where a form leads that has already made its change: a second click is the same change."""
    reference = form.reference.data or ""
    with reading(databases().panel) as connection:
        set_id = changeset.by_reference(connection, reference, _author())
    return None if set_id is None else _to(set_id)


def _submit(form: ChangeForm, wish: Edit, current: Row | None) -> ResponseReturnValue:
    draft = Draft(
        DIALPLAN.name,
        DIALPLAN.table,
        [wish],
        _author(),
        form.reference.data or "",
        form.comment.data or "",
    )
    try:
        set_id = writer.submit(databases(), settings(), draft)
        _record(set_id, wish)
        return _to(set_id)
    except InvalidInput as exc:
        if not isinstance(form, RowForm):
            raise
        return _form_page(form, current, status=422, notice=str(exc))


def _record(set_id: int, wish: Edit) -> None:
    with writing(databases().panel) as connection:
        audit.record(
            connection,
            action=f"dialplan.{wish.kind}",
            object=f"change_set:{set_id}",
            detail={"before": wish.before, "after": wish.after},
        )


def _to(set_id: int) -> ResponseReturnValue:
    return redirect(url_for("provisioning.show", set_id=set_id), 303)


def _row(row_id: int) -> Row:
    with reading(databases().switch) as connection:
        dialplan.table_of(connection)
        row = rows.load(connection, DIALPLAN, row_id) if row_id <= _INT else None
    if row is None:
        raise NotFound(f"There is no rule {row_id}.", "It may have been deleted; see the changes.")
    return row


def _form_page(
    form: RowForm, row: Row | None, *, status: int = 200, **more: Any
) -> ResponseReturnValue:
    page = render_template("routing/dialplan_form.html", form=form, row=row, **more)
    return page, status


def _deleted_meanwhile(form: RowForm) -> ResponseReturnValue:
    form.seen.data = ""
    words = "Somebody deleted this rule meanwhile. What you typed is still here:"
    return _form_page(form, None, status=409, notice=f"{words} save to add it as a new rule.")


def _differences(current: Row, mine: Row) -> list[tuple[str, Any, Any]]:
    """(label, theirs, mine) of the columns that differ."""
    return [
        (column.label, current.get(column.name), mine.get(column.name))
        for column in COLUMNS
        if current.get(column.name) != mine.get(column.name)
    ]


def _trial() -> dict[str, Any]:
    """What the test box shows; empty until a number was entered and the button pressed."""
    text = request.args.get("number", "").strip()[:127]
    dpid = _whole("try")
    if not text or dpid is None:
        return {"number": text, "tried": dpid, "answer": None}
    dbs = databases()
    problem, answer = "", None
    with reading(dbs.switch) as connection:
        try:
            answer = dialplan.by_table(connection, dpid, text)
        except CompanionError as exc:
            problem = str(exc)
        matched = rows.load(connection, DIALPLAN, answer.rule_id or 0) if answer else None
    with reading(dbs.panel) as connection:
        used = nodes.in_use(connection)
    answers = dialplan.by_nodes(used, dpid, text, settings().mi_timeout)
    return {
        "number": text,
        "tried": dpid,
        "answer": answer,
        "matched": matched,
        "trial_problem": problem,
        "node_answers": answers,
    }


def _whole(name: str) -> int | None:
    text = request.args.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > _INT:
        raise InvalidInput(f"“{text[:20]}” is no whole number.", "Enter digits only.", name)
    return int(text)


def _place() -> dialplan.Place | None:
    parts = request.args.get("after", "").split(".")
    if len(parts) != 3 or not all(part.lstrip("-").isdigit() for part in parts):
        return None
    return int(parts[0]), int(parts[1]), int(parts[2])
