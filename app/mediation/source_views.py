"""The screens of sources: the switches that calls are read from, and how their rows are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import RowMapping

from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import CompanionError
from app.core.phonebook import KIND_WORDS
from app.core.words import _, _n
from app.identity.access import requires
from app.mediation import source_rules, sources
from app.mediation.lists import SOURCES
from app.mediation.number_rules import CALLEE
from app.mediation.source import load_sources
from app.mediation.source_forms import MEANING_WORDS, RuleForm, SourceForm, chosen, columns_form
from app.mediation.tables import source
from app.shell.confirm import Confirmation, confirmation
from app.shell.forms import Form, place_error
from app.shell.listing import Asked, Page
from app.shell.locale import country
from app.shell.toasts import toast
from app.shell.zones import zones

blueprint = Blueprint("sources", __name__)

_MOST = 64


def _source(source_id: int) -> RowMapping:
    with reading(databases().panel) as connection:
        return sources.get(connection, source_id)


def _columns(row: Mapping[Any, Any]) -> tuple[sources.Columns | None, str]:
    """The columns that are there now, or why they cannot be looked at."""
    try:
        return sources.columns_of(databases(), row), ""
    except CompanionError as error:
        return None, str(error)


@blueprint.get("/sources")
@requires("source.read")
def index() -> ResponseReturnValue:
    """All sources: their clocks, what is read of them, how far, and what is wrong."""

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            found = asked.page(connection, sources.over(), id=source.c.id)
            rows = [
                {
                    **row,
                    "said": sources.problem_of(row, databases()),
                    "tables": ", ".join(f"{name} {n}" for name, n in sources.versions_of(row)),
                    "suspended": sources.suspended(connection, row["id"]),
                }
                for row in found.rows
            ]
        return replace(found, rows=rows)

    return SOURCES.answer("mediation/sources.html", fetch)


@blueprint.get("/sources/<int:source_id>")
@requires("source.read")
def show(source_id: int) -> ResponseReturnValue:
    """One source: its state, how it writes, and what its columns mean."""
    row = _source(source_id)
    with reading(databases().panel) as connection:
        values = {
            "problem": sources.problem_of(row, databases()),
            "versions": sources.versions_of(row),
            "moved_at": sources.moved_at(connection, source_id),
            "suspended": sources.suspended(connection, source_id),
            "rules": source_rules.of_source(connection, source_id),
        }
    found, away = _columns(row)
    return render_template(
        "mediation/source.html", source=row, columns=found, away=away, words=MEANING_WORDS, **values
    )


@blueprint.route("/sources/<int:source_id>/edit", methods=["GET", "POST"])
@requires("source.write")
def edit(source_id: int) -> ResponseReturnValue:
    """Sets the clock's zone and the dialling plan."""
    row = _source(source_id)
    form = SourceForm(data={name: row[name] for name in sources.FIELDS})
    if form.validate_on_submit():
        values = {name: form[name].data or "" for name in sources.FIELDS}
        try:
            with writing(databases().panel) as connection:
                sources.change(connection, row, values)
                left = sources.suspended(connection, source_id)
        except CompanionError as error:
            place_error(form, error, "zone")
        else:
            toast(_("Saved. It counts for rows that are read from now on; earlier calls stay."))
            if left:
                toast(
                    _n(
                        "%(num)s row of this source lies in suspense: a replay uses the new rule.",
                        "%(num)s rows of this source lie in suspense: a replay uses the new rule.",
                        left,
                    )
                )
            return redirect(url_for("sources.show", source_id=source_id), 303)
    answer = render_template("mediation/source_edit.html", form=form, source=row, zones=zones())
    return answer, 400 if form.errors else 200


@blueprint.route("/sources/<int:source_id>/columns", methods=["GET", "POST"])
@requires("source.write")
def columns(source_id: int) -> ResponseReturnValue:
    """Sets which column means what, among those that are there."""
    row = _source(source_id)
    found = sources.columns_of(databases(), row)
    form = columns_form(found)
    if form.validate_on_submit():
        with writing(databases().panel) as connection:
            sources.change(connection, row, {"columns": chosen(form, found)})
        toast(_("Saved. The worker reads the next rows so; a replay of suspense too."))
        return redirect(url_for("sources.show", source_id=source_id), 303)
    answer = render_template(
        "mediation/source_columns.html", form=form, source=row, columns=found, words=MEANING_WORDS
    )
    return answer, 400 if form.errors else 200


@blueprint.get("/sources/<int:source_id>/rules")
@requires("source.read")
def rules(source_id: int) -> ResponseReturnValue:
    """The rules for its numbers in their order, and a box in which they are tried."""
    row = _source(source_id)
    asked = {name: request.args.get(name, "").strip()[:_MOST] for name in ("number", "domain")}
    side = request.args.get("side", CALLEE)
    with reading(databases().panel) as connection:
        (found,) = load_sources(connection, source_id)
    answer = None
    if asked["number"]:
        habits = found.habits
        answer = source_rules.try_number(
            habits.rules, habits.plan, asked["number"], side, asked["domain"]
        )
    return render_template(
        "mediation/source_rules.html",
        source=row,
        rules=found.habits.rules.rules,
        asked={**asked, "side": side},
        answer=answer,
        country=country(answer.about) if answer else "",
        sides=source_rules.SIDE_WORDS,
        kinds=KIND_WORDS,
    )


@blueprint.route("/sources/<int:source_id>/rules/new", methods=["GET", "POST"])
@requires("source.write")
def rule_new(source_id: int) -> ResponseReturnValue:
    """Makes a rule behind the others."""
    row = _source(source_id)
    form = RuleForm()
    if form.validate_on_submit():
        try:
            with writing(databases().panel) as connection:
                source_rules.add(connection, row, form.values())
        except CompanionError as error:
            place_error(form, error, "prefix")
        else:
            toast(_("The rule is saved. Try a number beside it."))
            return redirect(url_for("sources.rules", source_id=source_id), 303)
    return _rule_page(form, row, None)


@blueprint.route("/sources/<int:source_id>/rules/<int:rule_id>", methods=["GET", "POST"])
@requires("source.write")
def rule_edit(source_id: int, rule_id: int) -> ResponseReturnValue:
    """Changes a rule, which keeps its place."""
    row, rule = _rule(source_id, rule_id)
    form = RuleForm(data={name: rule[name] for name in source_rules.FIELDS})
    if form.validate_on_submit():
        try:
            with writing(databases().panel) as connection:
                source_rules.change(connection, row, rule, form.values())
        except CompanionError as error:
            place_error(form, error, "prefix")
        else:
            toast(_("The rule is saved. Try a number beside it."))
            return redirect(url_for("sources.rules", source_id=source_id), 303)
    return _rule_page(form, row, rule)


@blueprint.post("/sources/<int:source_id>/rules/<int:rule_id>/move/<deed>")
@requires("source.write")
def rule_move(source_id: int, rule_id: int, deed: str) -> ResponseReturnValue:
    """Moves a rule ``up`` or ``down`` among those of its domain."""
    row, rule = _rule(source_id, rule_id)
    with writing(databases().panel) as connection:
        source_rules.move(connection, row, rule, deed)
    toast(_("The order is saved."))
    return redirect(url_for("sources.rules", source_id=source_id), 303)


@blueprint.route("/sources/<int:source_id>/rules/<int:rule_id>/delete", methods=["GET", "POST"])
@requires("source.write")
def rule_delete(source_id: int, rule_id: int) -> ResponseReturnValue:
    """Asks, then deletes a rule."""
    row, rule = _rule(source_id, rule_id)
    form = Form()
    if form.validate_on_submit():
        with writing(databases().panel) as connection:
            source_rules.remove(connection, row, rule)
        toast(_("The rule is deleted."))
        return redirect(url_for("sources.rules", source_id=source_id), 303)
    asked = Confirmation(
        title=_("Delete this rule?"),
        what=_("Calls that are stored keep their numbers; later ones are read without it."),
        objects=[f"{rule['prefix']}… → {rule['add']}…"],
        deed=_("Delete the rule"),
        stay=_("Keep it"),
        back=url_for("sources.rules", source_id=source_id),
        danger=True,
    )
    return confirmation(asked, form)


def _rule(source_id: int, rule_id: int) -> tuple[RowMapping, RowMapping]:
    with reading(databases().panel) as connection:
        row = sources.get(connection, source_id)
        return row, source_rules.get(connection, source_id, rule_id)


def _rule_page(
    form: RuleForm, row: Mapping[Any, Any], rule: Mapping[Any, Any] | None
) -> ResponseReturnValue:
    answer = render_template("mediation/source_rule.html", form=form, source=row, rule=rule)
    return answer, 400 if form.errors else 200
