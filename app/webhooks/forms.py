"""Forms for webhooks: where to, and of what."""

from __future__ import annotations

from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.core.words import _l
from app.shell.forms import Form
from app.webhooks.addresses import LONGEST
from app.webhooks.words import EVENT_WORDS


class PlainForm(Form):
    """No fields: the token alone."""


class WebhookForm(Form):
    """One box for each event; its name is the event's with a line for the dot."""

    url = StringField(
        _l("Address"),
        [
            InputRequired(_l("Enter an address.")),
            Length(max=LONGEST, message=_l("At most 500 characters.")),
        ],
        render_kw={"type": "url", "translate": "no", "autocomplete": "off"},
    )
    call_ended = BooleanField(EVENT_WORDS["call.ended"])
    call_priced = BooleanField(EVENT_WORDS["call.priced"])
    balance_low = BooleanField(EVENT_WORDS["balance.low"])
    push_failed = BooleanField(EVENT_WORDS["push.failed"])
    gateway_down = BooleanField(EVENT_WORDS["gateway.down"])

    def offer(self, events: tuple[str, ...]) -> None:
        """Leaves boxes for these events alone."""
        for event in EVENT_WORDS:
            name = box(event)
            if name in self and event not in events:
                del self[name]

    @property
    def boxes(self) -> list[BooleanField]:
        """The boxes that are left."""
        return [self[box(event)] for event in EVENT_WORDS if box(event) in self]

    @property
    def chosen(self) -> list[str]:
        """The events whose box is ticked."""
        return [event for event in EVENT_WORDS if box(event) in self and self[box(event)].data]


class NewWebhookForm(WebhookForm):
    """A new one, and whose it is."""

    tenant = SelectField(_l("Tenant"), coerce=int, render_kw={"translate": "no"})


def box(event: str) -> str:
    """The name of an event's field."""
    return event.replace(".", "_")
