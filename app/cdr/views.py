"""Call records: the list, and one call with its price explained and the switch's own rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.cdr import causes, forms, look, path, raw, words
from app.cdr.filters import Filters
from app.cdr.listing import CALLS
from app.cdr.search import Cursor, search
from app.core import formats
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import CompanionError, InvalidInput
from app.core.phonebook import KIND_WORDS, about
from app.core.words import _
from app.identity import audit
from app.identity.access import current_operator, requires
from app.mediation.tables import source
from app.rating.explain import explain
from app.retention.numbers import removed_at
from app.shell import frame, locale
from app.shell.columns import Asked
from app.shell.keyset import Page, Place, no_place

blueprint = Blueprint("cdr", __name__)


@blueprint.get("/cdr")
@requires("cdr.read")
def index() -> ResponseReturnValue:
    """One page of calls, newest first. The first page keeps itself up to date."""
    bar = forms.BAR.read(request.args, current_operator().zone)
    inside = bool(request.headers.get("HX-Request"))
    address: dict[str, Any] = bar.arguments()
    if bar.untidy and not inside:
        return redirect(url_for("cdr.index", **address))
    if bar.problems:
        return render_template("cdr/index.html", bar=bar, listing=None), 400
    frame.show_in(bar.zone)
    wanted = forms.filters(bar, current_operator().sees)
    try:
        asked = CALLS.ask()
        page = _page(asked, wanted)
    except InvalidInput as error:
        bar.problems[error.field or "after"] = str(error)
        return render_template("cdr/index.html", bar=bar, listing=None), 400
    live = bar.live and asked.place is None
    stamp = _stamp(page.rows)
    if inside and live and request.args.get("stamp") == stamp:
        return "", 204

    def fetch(again: Asked) -> Page:
        return page if again == asked else _page(again, wanted)

    if asked.csv:
        with writing(databases().panel) as connection:
            detail = {**address, "columns": [column.name for column in CALLS.columns]}
            audit.record(connection, action="calls.exported", object="calls", detail=detail)
    template = "cdr/list.html" if inside else "cdr/index.html"
    poll = url_for("cdr.index", stamp=stamp, **address) if live else ""
    return CALLS.answer(template, fetch, bar=bar, live=poll)


def _page(asked: Asked, filters: Filters) -> Page:
    """One page as lists show it."""
    place = asked.place
    cursor = None
    if place is not None:
        if len(place.values) != 2 or not all(isinstance(value, int) for value in place.values):
            raise no_place()
        cursor = Cursor(*map(int, place.values))
    backwards = place is not None and place.backwards
    with reading(databases().panel) as connection:
        found = search(
            connection,
            filters,
            after=None if backwards else cursor,
            before=cursor if backwards else None,
            limit=asked.limit,
        )
    note = ""
    if found.looked_back_to is not None:
        moment = formats.moment(found.looked_back_to, frame.zone(), "minute", locale.tag())
        note = _("Looked back to %(time)s: “Next” looks further.", time=moment.striptags())
    return Page(found.rows, _text(found.next_cursor), _text(found.previous_cursor), note)


def _text(cursor: Cursor | None) -> str | None:
    return None if cursor is None else str(Place((cursor.setup_at, cursor.id)))


@blueprint.get("/cdr/<int:cdr_id>")
@requires("cdr.read")
def show(cdr_id: int) -> ResponseReturnValue:
    """One call: in the drawer of the list, or a page of its own."""
    dbs = databases()
    cdr = look.at(cdr_id, current_operator())
    # By whom it is sent, and whose row it is at the carrier, is the house's business.
    house = current_operator().sees is None
    with reading(dbs.panel) as connection:
        explanation = explain(connection, cdr)
        origin = connection.execute(select(source).where(source.c.id == cdr["source_id"]))
        values = {
            "cdr": cdr,
            "why": explanation,
            "steps": path.steps(connection, cdr) if house else [],
            "unknown": causes.unknown(cdr) if house else "",
            "hangup": causes.hangup(cdr),
            "cause": causes.cause,
            "house": house,
            "direction": words.direction(cdr["direction"]),
            "flags": words.flags(cdr["flags"]),
            "callee": about(str(cdr["callee"])),
            "country": locale.country(about(str(cdr["callee"]))),
            "kinds": KIND_WORDS,
            "source": origin.mappings().first(),
            "numbers_removed_at": removed_at(connection, cdr),
        }
    rows, problem = _raw(cdr) if house else ([], "")
    return render_template("cdr/show.html", **values, raw_rows=rows, raw_problem=problem)


def _raw(cdr: Mapping[str, Any]) -> tuple[list[raw.RawRow], str]:
    """The switch's rows, or why they cannot be shown: the call itself is ours to show."""
    try:
        return raw.rows(databases(), cdr), ""
    except CompanionError as error:
        return [], str(error)


def _stamp(rows: Sequence[Mapping[str, Any]]) -> str:
    """Changes when the page would look different."""
    shown = [(row["id"], row["price"], row["unpriced_reason"], row["acc_ids"]) for row in rows]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]
