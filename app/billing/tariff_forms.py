"""The forms of tariffs."""

from __future__ import annotations

from datetime import datetime

from wtforms import (  # type: ignore[attr-defined]
    DateTimeLocalField,
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from app.core import clock
from app.core.errors import InvalidInput
from app.core.words import _, _l
from app.shell.forms import Form

_TIMES = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]


class NewTariffForm(Form):
    """A tariff: whose, in which currency, how a call's price is rounded."""

    name = StringField(
        _l("Name"),
        [
            InputRequired(_l("Enter a name.")),
            Length(max=80, message=_l("At most 80 characters.")),
        ],
    )
    tenant = SelectField(_l("Tenant"), coerce=int, render_kw={"translate": "no"})
    currency = StringField(
        _l("Currency"),
        [InputRequired(_l("Enter a currency, such as EUR."))],
        filters=[lambda text: text.strip().upper() if text else ""],
        render_kw={"size": "4", "maxlength": "3", "translate": "no"},
    )
    places = IntegerField(
        _l("Decimal places of a price"),
        [InputRequired(_l("Enter a number.")), NumberRange(0, 9, _l("From 0 to 9."))],
        default=4,
    )
    rounding = SelectField(
        _l("Rounding"),
        choices=[
            SelectChoice("half", _l("to the nearest")),
            SelectChoice("up", _l("up")),
            SelectChoice("down", _l("down")),
        ],
    )


class VersionForm(Form):
    """A version: from when on, and its rates."""

    valid_from = DateTimeLocalField(
        _l("Valid from"), [InputRequired(_l("Say from when on."))], format=_TIMES
    )
    rates = TextAreaField(
        _l("Rates"),
        [InputRequired(_l("Write one rate in each line."))],
        render_kw={"rows": "14", "spellcheck": "false", "translate": "no", "class": "mono"},
    )


class AssignForm(Form):
    """Which tariff an account has from when on."""

    tariff = SelectField(_l("Tariff"), coerce=int, render_kw={"translate": "no"})
    valid_from = DateTimeLocalField(_l("Valid from"), [Optional()], format=_TIMES)


def instant(wall: datetime, zone: str) -> int:
    """The instant of a wall clock in a zone; the first of two. Raises InvalidInput for none."""
    found = clock.wall_to_candidates(wall.replace(tzinfo=None), zone)
    if not found:
        raise InvalidInput(
            _("That hour does not exist in %(zone)s.", zone=zone),
            _("Choose one before or after the change of the clock."),
            "valid_from",
        )
    return found[0]
