"""The forms of a source: its clock and dialling plan, its columns, a rule for its numbers."""

from __future__ import annotations

from typing import Any

from wtforms import (  # type: ignore[attr-defined]
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, NumberRange, Optional

from app.core.words import _, _l
from app.mediation.number_rules import CALLEE, SIDES
from app.mediation.source_rules import MOST_SIGNS, SIDE_WORDS
from app.mediation.sources import Columns
from app.shell.forms import Form

# Names that no column of a database has.
GUESS, NONE = "?", "-"
MEANING_WORDS: dict[str, Any] = {
    "caller": _l("Caller"),
    "callee": _l("Callee"),
    "caller_domain": _l("Caller's domain"),
    "account": _l("Account"),
    "gateway": _l("Gateway"),
    "carrier": _l("Carrier"),
    "src_ip": _l("Source address"),
    "user_agent": _l("User agent"),
    "charge_id": _l("Charge ID"),
    "routed": _l("Routed to"),
    "asserted": _l("Asserted identity"),
    "routing_number": _l("Routing number"),
    "trunk": _l("Trunk"),
    "attempt": _l("Number of the attempt"),
    "first_ms": _l("Time to the first sign, ms"),
    "final_ms": _l("Time to the answer, ms"),
    "pdd_ms": _l("Delay until it rang, ms"),
    "cause": _l("Cause (Q.850)"),
    "hangup": _l("Who hung up"),
}
_SIGNS = NumberRange(0, MOST_SIGNS, _l("Use 0 to 64, or leave it empty."))


class SourceForm(Form):
    """The clock's zone and the dialling plan."""

    zone = StringField(
        _l("Zone of the clock"),
        [InputRequired(_l("Enter a time zone."))],
        render_kw={
            "list": "zone-names",
            "spellcheck": "false",
            "translate": "no",
            "autocomplete": "off",
            "maxlength": "64",
        },
    )
    country = StringField(_l("Country code"), render_kw={"maxlength": "4", "inputmode": "numeric"})
    trunk_prefix = StringField(
        _l("Trunk prefix"), render_kw={"maxlength": "4", "inputmode": "numeric"}
    )


class RuleForm(Form):
    """A rule: which numbers, what is taken off, what is put on."""

    side = SelectField(
        _l("Numbers"),
        choices=[SelectChoice(side, SIDE_WORDS[side]) for side in SIDES],
        default=CALLEE,
    )
    domain = StringField(_l("Only of the caller's domain"), render_kw={"maxlength": "128"})
    prefix = StringField(_l("That begin with"), render_kw={"maxlength": "32", "class": "mono"})
    least = IntegerField(_l("Signs at least"), [Optional(), _SIGNS])
    most = IntegerField(_l("Signs at most"), [Optional(), _SIGNS])
    strip = IntegerField(_l("Signs to take off"), [Optional(), _SIGNS])
    add = StringField(_l("Put in front"), render_kw={"maxlength": "32", "class": "mono"})

    def values(self) -> dict[str, Any]:
        """What was entered, by the names of the table."""
        names = ("side", "domain", "prefix", "least", "most", "strip", "add")
        return {name: self[name].data for name in names}


def columns_form(found: Columns) -> Form:
    """A form that asks for the column of each meaning, among those that are there."""
    fields: dict[str, Any] = {}
    for meaning in found.meanings:
        guessed = _("guess by name: %(column)s", column=meaning.guess or _("none"))
        choices = [SelectChoice(GUESS, guessed), SelectChoice(NONE, _("none"))]
        for name in found.names:
            sample = found.samples.get(name)
            label = f"{name} = {sample}" if sample else name
            choices.append(SelectChoice(name, label, render_kw={"translate": "no"}))
        fields[meaning.name] = SelectField(
            MEANING_WORDS[meaning.name],
            choices=choices,
            default=GUESS if meaning.choice is None else meaning.choice or NONE,
        )
        if meaning.choice and meaning.choice not in found.names:
            # A column that is gone: it is guessed, and saving says so.
            fields[meaning.name].kwargs["default"] = GUESS
    form: Form = type("ColumnsForm", (Form,), fields)()
    return form


def chosen(form: Form, found: Columns) -> dict[str, str]:
    """The mapping that was entered, as a source keeps it."""
    given = {meaning.name: str(form[meaning.name].data) for meaning in found.meanings}
    return {
        name: "" if column == NONE else column for name, column in given.items() if column != GUESS
    }
