"""A form made from a tool's declaration: same columns, same limits, same sentences everywhere."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from wtforms import BooleanField, Field, HiddenField, SelectChoice, SelectField, StringField  # type: ignore[attr-defined]
from wtforms.validators import Length, Regexp, ValidationError

from app.core.errors import InvalidInput
from app.core.words import _, _l
from app.provisioning.changeset import COMMENT_LIMIT
from app.provisioning.tools.declaration import Column, Tool
from app.shell.forms import Form

_WHOLE = re.compile(r"[+-]?\d{1,12}")


class WhyForm(Form):
    """A deed that needs no more than a reason."""

    comment = StringField(
        _l("Why"),
        [Length(max=COMMENT_LIMIT, message=_l("At most %(max)d characters."))],
        filters=[lambda text: text.strip() if text else ""],
    )


class ChangeForm(WhyForm):
    """What every change carries: why, what was seen, and what makes a second click the same."""

    # the fingerprint of the row as it was when the form was opened
    seen = HiddenField()
    reference = HiddenField(
        validators=[Regexp(r"[0-9a-f]{32}\Z", message=_l("Open this form anew, it is incomplete."))]
    )

    def begin(self, seen: str = "") -> None:
        """A fresh form: a reference of its own, and what the row was."""
        self.reference.data = secrets.token_hex(16)
        self.seen.data = seen

    def must_be_whole(self) -> None:
        """Raises InvalidInput when what a button sent cannot be a change."""
        if not self.validate_on_submit():
            problems = [str(text) for texts in self.errors.values() for text in texts]
            raise InvalidInput(" ".join(problems), _("Open the page again."))


class RowForm(ChangeForm):
    """A row of a tool's table; subclasses come from ``form_for``."""

    tool: ClassVar[Tool]

    def fields(self) -> list[tuple[Column, Field]]:
        """Each column with its field, in the tool's order."""
        return [(column, self[column.name]) for column in self.tool.columns]

    def fill(self, row: Mapping[str, Any]) -> None:
        """Shows a row's values."""
        for column, field in self.fields():
            value = row.get(column.name)
            if column.kind == "flag":
                field.data = bool(value)
            elif column.kind == "choice":
                field.data = value
            else:
                field.data = "" if value is None else str(value)

    def fill_from(self, given: Mapping[str, str]) -> None:
        """Shows values that an address proposes, whatever they are: saving checks them."""
        for column, field in self.fields():
            if column.kind in ("text", "whole") and column.name in given:
                field.data = given[column.name][: column.limit]

    def row_values(self) -> dict[str, Any]:
        """The values as the table wants them; a number that is none stays the text it was."""
        return {column.name: _value(column, field.data) for column, field in self.fields()}

    def accepts(self) -> bool:
        """Whether the form may be stored; otherwise each bad field has its sentence."""
        well_formed = bool(self.validate_on_submit())
        for name, problem in self.tool.validate(self.row_values()).items():
            field = self[name]
            if not field.errors:
                field.errors = [problem]
            well_formed = False
        return well_formed


def form_for(tool: Tool) -> type[RowForm]:
    """The form class for a tool's rows."""
    fields: dict[str, Any] = {"tool": tool}
    for column in tool.columns:
        fields[column.name] = _field(column)
    return type(f"{tool.name.title()}Form", (RowForm,), fields)


class _Marked:
    """Marks a field as needed; the tool says what is wrong with an empty one."""

    field_flags: ClassVar[dict[str, bool]] = {"required": True}

    def __call__(self, form: object, field: object) -> None:
        """Accepts everything."""


def _offered(form: object, field: Any) -> None:
    if field.data not in [choice.value for choice in field.choices]:
        raise ValidationError(_("Not a valid choice: take one of the values offered."))


def _field(column: Column) -> Any:
    marks = [_Marked()] if column.required else []
    if column.kind == "flag":
        return BooleanField(column.label)
    if column.kind == "choice":
        return SelectField(
            column.label,
            [_offered],
            coerce=_choice,
            choices=[SelectChoice(value, label) for value, label in column.choices],
            default=column.default,
            validate_choice=False,
        )
    typed = {"spellcheck": "false", "autocomplete": "off"}
    if column.kind == "whole":
        typed["inputmode"] = "numeric"
    return StringField(
        column.label,
        marks,
        default="" if column.default is None else str(column.default),
        filters=[lambda text: text.strip() if text else ""],
        render_kw=typed,
    )


def _choice(value: Any) -> int:
    # An empty or foreign value becomes one that is never offered.
    return int(value) if str(value).lstrip("-").isdigit() else -1


def _value(column: Column, data: Any) -> Any:
    if column.kind == "flag":
        return int(bool(data))
    if column.kind == "whole" and isinstance(data, str) and _WHOLE.fullmatch(data):
        return int(data)
    return data
