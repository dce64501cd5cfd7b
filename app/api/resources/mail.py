"""The mail settings, and a test of them."""

from __future__ import annotations

from typing import Any

from app.api.operations import Call, operation
from app.api.schema import Shape, choice, flag, text, whole
from app.core import mail
from app.core.context import databases, settings
from app.core.database import writing
from app.core.words import _
from app.identity import audit

SETTINGS = Shape(
    "MailSettings",
    {
        "host": text(255),
        "port": whole(0, 65_535),
        "tls": choice("starttls", "tls", "none"),
        "user": text(255),
        "has_password": flag(),
        "from": text(320),
    },
    {
        "host": "mail.example.net",
        "port": 587,
        "tls": "starttls",
        "user": "panel",
        "has_password": True,
        "from": "panel@example.net",
    },
)
TEST = Shape(
    "MailTest",
    {"to": text(320, 3, pattern="^[^@ ]+@[^@ ]+$")},
    {"to": "ann@example.net"},
    inbound=True,
)


@operation(
    "GET",
    "/settings/mail",
    "mail.read",
    "What mail is sent with; without the password",
    answer=SETTINGS,
    screens=("mail.index",),
)
def show(call: Call) -> dict[str, Any]:
    """From the environment; nothing here changes it."""
    found = settings().smtp
    return {
        "host": found.host,
        "port": found.port,
        "tls": found.tls,
        "user": found.user,
        "has_password": bool(found.password),
        "from": found.sender,
    }


@operation(
    "POST",
    "/settings/mail/test",
    "mail.write",
    "Send a test mail",
    body=TEST,
    screens=("mail.test",),
)
def test(call: Call) -> None:
    """The server took it; whether it arrives is to be looked at."""
    mail.send(
        settings().smtp,
        to=call.body["to"],
        subject=_("A test of OpenSIPS Companion"),
        text=_("Mail from the panel arrives."),
    )
    with writing(databases().panel) as connection:
        audit.record(connection, action="mail.test", object="mail", detail={"to": call.body["to"]})
