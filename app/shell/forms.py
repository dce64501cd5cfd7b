"""The form that all others are made of: what WTForms itself says goes through the catalogue."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm

from app.core import words
from app.core.errors import CompanionError
from app.core.words import _l

# WTForms' own sentences that our fields can say, so that translators find them.
_SAID = (
    _l("Not a valid choice."),
    _l("Not a valid integer value."),
    _l("This field is required."),
)


class _Words:
    """What WTForms asks for a text."""

    def gettext(self, text: str) -> str:
        """One sentence."""
        return words.look_up(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """The form that fits the count."""
        return words.look_up(one, many, count)


class Form(FlaskForm):
    """FlaskForm in the reader's language."""

    class Meta(FlaskForm.Meta):
        """Where WTForms looks its sentences up."""

        def get_translations(self, form: Any) -> _Words:
            """Ours, whatever the locales of the form."""
            return _Words()


def place_error(form: Form, error: CompanionError, otherwise: str) -> None:
    """Says what was refused at the field that it is about, else at the field ``otherwise``."""
    name = getattr(error, "field", None) or otherwise
    field = form[name] if name in form else form[otherwise]
    field.errors = [*field.errors, str(error)]
