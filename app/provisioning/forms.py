"""A form made from a tool's declaration: same columns, same limits, same sentences everywhere."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, SelectChoice, SelectField, StringField  # type: ignore[attr-defined]
from wtforms.validators import Length

from app.provisioning.changeset import COMMENT_LIMIT
from app.provisioning.tools.declaration import Column, Tool

_WHOLE = re.compile(r"[+-]?\d{1,12}")


class ChangeForm(FlaskForm):
    """What every change carries: why, what was seen, and what makes a second click the same."""

    comment = StringField(
        "Why",
        [Length(max=COMMENT_LIMIT, message=f"At most {COMMENT_LIMIT} characters.")],
        filters=[lambda text: text.strip() if text else ""],
    )
    # the fingerprint of the row as it was when the form was opened
    seen = HiddenField()
    reference = HiddenField(validators=[Length(min=16, max=64)])

    def begin(self, seen: str = "") -> None:
        """A fresh form: a reference of its own, and what the row was."""
        self.reference.data = secrets.token_hex(16)
        self.seen.data = seen


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
    return type(f"{tool.title}Form", (RowForm,), fields)


def _field(column: Column) -> Any:
    if column.kind == "flag":
        return BooleanField(column.label)
    if column.kind == "choice":
        choices = [SelectChoice(value, label) for value, label in column.choices]
        return SelectField(column.label, coerce=_choice, choices=choices, default=column.default)
    default = "" if column.default is None else str(column.default)
    return StringField(
        column.label, default=default, filters=[lambda text: text.strip() if text else ""]
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
