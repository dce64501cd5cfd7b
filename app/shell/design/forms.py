"""A form with one of each field."""

from wtforms import (  # type: ignore[attr-defined]
    BooleanField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Regexp

from app.core.words import _l
from app.shell.forms import Form


class SampleForm(Form):
    """Fields of every kind; ``number`` refuses what holds no digits alone."""

    number = StringField(
        _l("Telephone number"),
        [
            InputRequired(message=_l("A number is needed.")),
            Regexp(r"\+?\d{3,15}\Z", message=_l("3 to 15 digits, a plus before them or not.")),
        ],
    )
    carrier = SelectField(
        _l("Carrier"), choices=[SelectChoice("a", _l("Alpine")), SelectChoice("b", _l("Baltic"))]
    )
    comment = TextAreaField(
        _l("Comment"), [Length(max=200, message=_l("At most %(max)d characters."))]
    )
    active = BooleanField(_l("In use"), default=True)


class PlainForm(Form):
    """Nothing but the token."""
