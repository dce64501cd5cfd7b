"""The screens of webhooks: who is told of what."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import RowMapping

from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.errors import CompanionError
from app.core.outbox import endpoint
from app.core.words import _
from app.identity import tenants
from app.identity.access import current_operator, requires
from app.shell.confirm import Confirmation, confirmation
from app.shell.forms import place_error
from app.shell.listing import Asked, Page
from app.shell.toasts import toast
from app.webhooks import endpoints
from app.webhooks.forms import NewWebhookForm, PlainForm, WebhookForm, box
from app.webhooks.lists import WEBHOOKS

blueprint = Blueprint("webhooks", __name__)


@blueprint.get("/webhooks")
@requires("webhook.read")
def index() -> ResponseReturnValue:
    """The webhooks of the tenants that one sees, newest first."""

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            query = endpoints.over(current_operator().sees)
            return asked.page(connection, query, id=endpoint.c.id)

    return WEBHOOKS.answer("webhooks/index.html", fetch)


@blueprint.route("/webhooks/new", methods=["GET", "POST"])
@requires("webhook.write")
def new() -> ResponseReturnValue:
    """Makes a webhook; its secret is shown once, on the page that answers."""
    who, form = current_operator(), NewWebhookForm()
    form.offer(endpoints.events_for(who.tenant_id))
    with reading(databases().panel) as connection:
        form.tenant.choices = list(tenants.choices(connection, who.sees))
    if form.validate_on_submit():
        try:
            with writing(databases().panel) as connection:
                number, secret = endpoints.create(
                    connection,
                    settings(),
                    tenant_id=form.tenant.data,
                    url=form.url.data or "",
                    events=form.chosen,
                    sees=who.sees,
                )
        except CompanionError as error:
            _place(form, error)
        else:
            return _shown(number, secret)
    answer = render_template("webhooks/edit.html", form=form, row=None)
    return answer, 400 if form.errors else 200


@blueprint.route("/webhooks/<int:webhook_id>", methods=["GET", "POST"])
@requires("webhook.write")
def edit(webhook_id: int) -> ResponseReturnValue:
    """One webhook: its address and its events."""
    row = _get(webhook_id)
    boxes = {box(event): True for event in row["events"].split()}
    form = WebhookForm(url=row["url"], **boxes)
    form.offer(endpoints.events_for(row["tenant_id"]))
    if request.method == "POST" and form.validate():
        try:
            with writing(databases().panel) as connection:
                endpoints.change(
                    connection, settings(), row, url=form.url.data or "", events=form.chosen
                )
        except CompanionError as error:
            _place(form, error)
        else:
            toast(_("The webhook is saved."))
            return redirect(url_for("webhooks.index"), 303)
    answer = render_template("webhooks/edit.html", form=form, row=row)
    return answer, 400 if form.errors else 200


@blueprint.post("/webhooks/<int:webhook_id>/state/<state>")
@requires("webhook.write")
def switch(webhook_id: int, state: str) -> ResponseReturnValue:
    """Switches a webhook ``on``, or else off."""
    row, on = _get(webhook_id), state == "on"
    with writing(databases().panel) as connection:
        endpoints.switch(connection, row, on)
    toast(
        _("The webhook is on: what waits for it is sent.")
        if on
        else _("The webhook is off: nothing is sent, and what happens now is not kept for it.")
    )
    return redirect(url_for("webhooks.edit", webhook_id=row["id"]), 303)


@blueprint.route("/webhooks/<int:webhook_id>/delete", methods=["GET", "POST"])
@requires("webhook.write")
def delete(webhook_id: int) -> ResponseReturnValue:
    """Asks, then deletes a webhook with its deliveries."""
    row, form = _get(webhook_id), PlainForm()
    if form.validate_on_submit():
        with writing(databases().panel) as connection:
            endpoints.remove(connection, row)
        toast(_("The webhook is deleted."))
        return redirect(url_for("webhooks.index"), 303)
    asked = Confirmation(
        title=_("Delete this webhook?"),
        what=_("What waits for it is not sent, and what was sent is forgotten."),
        objects=[row["url"]],
        deed=_("Delete the webhook"),
        stay=_("Keep it"),
        back=url_for("webhooks.edit", webhook_id=row["id"]),
        danger=True,
    )
    return confirmation(asked, form)


@blueprint.post("/webhooks/<int:webhook_id>/secret")
@requires("webhook.write")
def secret(webhook_id: int) -> ResponseReturnValue:
    """Makes a new secret and shows it once."""
    row = _get(webhook_id)
    with writing(databases().panel) as connection:
        made = endpoints.renew_secret(connection, settings(), row)
    return _shown(row["id"], made)


@blueprint.post("/webhooks/<int:webhook_id>/test")
@requires("webhook.write")
def test(webhook_id: int) -> ResponseReturnValue:
    """Sends a test; what came of it stands among the deliveries."""
    row = _get(webhook_id)
    with writing(databases().panel) as connection:
        endpoints.test(connection, row)
    toast(_("The test is on its way."))
    return redirect(url_for("webhooks.deliveries", webhook_id=row["id"]), 303)


def _get(webhook_id: int) -> RowMapping:
    with reading(databases().panel) as connection:
        return endpoints.get(connection, webhook_id, current_operator().sees)


def _place(form: WebhookForm, error: CompanionError) -> None:
    if getattr(error, "field", None) == "events":
        first = form.boxes[0]
        first.errors = [*first.errors, str(error)]
    else:
        place_error(form, error, "url")


def _shown(number: int, made: str) -> str:
    return render_template("webhooks/secret.html", number=number, secret=made)
