"""The screens of deliveries: what was sent, waits or is dead, and sending it again."""

from __future__ import annotations

import json

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.core.context import databases
from app.core.database import reading, writing
from app.core.outbox import DEAD
from app.core.outbox import delivery as table
from app.core.words import _, _n
from app.identity.access import current_operator, requires
from app.shell.listing import Asked, Page
from app.shell.toasts import toast
from app.webhooks import endpoints, log
from app.webhooks.lists import BAR, DELIVERIES
from app.webhooks.views import blueprint
from app.webhooks.words import EVENT_WORDS, STATE_WORDS


@blueprint.get("/webhooks/<int:webhook_id>/deliveries")
@requires("webhook.read")
def deliveries(webhook_id: int) -> ResponseReturnValue:
    """What was sent to a webhook or will be, newest first; ``state`` narrows it."""
    with reading(databases().panel) as connection:
        row = endpoints.get(connection, webhook_id, current_operator().sees)
        dead = connection.scalar(
            select(table.c.id)
            .where(table.c.endpoint_id == row["id"], table.c.state == DEAD)
            .limit(1)
        )
    bar = BAR.read(request.args)

    def fetch(asked: Asked) -> Page:
        if bar.problems:
            return Page([])
        query = select(table).where(table.c.endpoint_id == row["id"])
        if bar["state"]:
            query = query.where(table.c.state == bar["state"])
        with reading(databases().panel) as connection:
            return asked.page(connection, query, id=table.c.id)

    return DELIVERIES.answer(
        "webhooks/deliveries.html",
        fetch,
        bar=bar,
        row=row,
        any_dead=dead is not None,
        states=STATE_WORDS,
    )


@blueprint.get("/webhooks/<int:webhook_id>/deliveries/<int:delivery_id>")
@requires("webhook.read")
def delivery(webhook_id: int, delivery_id: int) -> ResponseReturnValue:
    """One delivery with its body."""
    with reading(databases().panel) as connection:
        row = endpoints.get(connection, webhook_id, current_operator().sees)
        one = log.get(connection, row["id"], delivery_id)
    return render_template(
        "webhooks/delivery.html",
        row=row,
        one=one,
        body=json.dumps(json.loads(one["body"]), indent=2, ensure_ascii=False),
        state=STATE_WORDS[one["state"]],
        event=EVENT_WORDS.get(one["event"], one["event"]),
    )


@blueprint.post("/webhooks/<int:webhook_id>/deliveries/<int:delivery_id>/replay")
@requires("webhook.write")
def replay(webhook_id: int, delivery_id: int) -> ResponseReturnValue:
    """Sends one delivery again."""
    with writing(databases().panel) as connection:
        row = endpoints.get(connection, webhook_id, current_operator().sees)
        log.replay(connection, log.get(connection, row["id"], delivery_id))
    toast(_("It is sent again."))
    return redirect(url_for("webhooks.deliveries", webhook_id=row["id"]), 303)


@blueprint.post("/webhooks/<int:webhook_id>/deliveries/replay-dead")
@requires("webhook.write")
def replay_dead(webhook_id: int) -> ResponseReturnValue:
    """Sends all dead deliveries of a webhook again."""
    with writing(databases().panel) as connection:
        row = endpoints.get(connection, webhook_id, current_operator().sees)
        count = log.replay_dead(connection, row["id"])
    toast(_n("%(num)s delivery is sent again.", "%(num)s deliveries are sent again.", count))
    return redirect(url_for("webhooks.deliveries", webhook_id=row["id"]), 303)
