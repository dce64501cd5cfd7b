"""Call records: the list, and one call with its price explained and the switch's own rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.cdr import forms, raw, store, words
from app.cdr.search import Cursor, Page, search
from app.core.context import databases
from app.core.database import reading
from app.core.errors import CompanionError, NotFound
from app.identity.access import current_operator, requires
from app.mediation.tables import source
from app.rating.explain import explain

blueprint = Blueprint("cdr", __name__)


@blueprint.get("/cdr")
@requires("cdr.read")
def index() -> ResponseReturnValue:
    """One page of calls, newest first. The first page keeps itself up to date."""
    form = forms.read(request.args)
    operator = current_operator()
    try:
        filters = form.to_filters(operator.zone, _tenant())
        after, before = (
            Cursor.parse(text) if (text := request.args.get(name)) else None
            for name in ("after", "before")
        )
    except CompanionError as error:
        page, problem = Page([], None, None), str(error)
        return render_template("cdr/index.html", **_list(form, page), problem=problem), 400
    with reading(databases().panel) as connection:
        page = search(connection, filters, after=after, before=before)
    values = _list(form, page)
    live = not (after or before or form.until.data)
    if request.headers.get("HX-Request"):
        if request.args.get("stamp") == values["stamp"]:
            return "", 204
        return render_template("cdr/table.html", **values, live=live)
    return render_template("cdr/index.html", **values, live=live)


@blueprint.get("/cdr/<int:cdr_id>")
@requires("cdr.read")
def show(cdr_id: int) -> ResponseReturnValue:
    """One call: in the drawer of the list, or a page of its own."""
    dbs = databases()
    with reading(dbs.panel) as connection:
        cdr = store.get(connection, cdr_id) if cdr_id < 2**63 else None
        if cdr is None or _tenant() not in (None, cdr["tenant_id"]):
            raise NotFound(
                f"There is no call {cdr_id}.", "The list of calls shows those there are."
            )
        explanation = explain(connection, cdr)
        origin = connection.execute(select(source).where(source.c.id == cdr["source_id"]))
        values = {
            "cdr": cdr,
            "why": explanation,
            "flags": words.flags(cdr["flags"]),
            "source": origin.mappings().first(),
        }
    rows, problem = _raw(cdr)
    return render_template("cdr/show.html", **values, raw_rows=rows, raw_problem=problem)


def _raw(cdr: Mapping[str, Any]) -> tuple[list[raw.RawRow], str]:
    """The switch's rows, or why they cannot be shown: the call itself is ours to show."""
    try:
        return raw.rows(databases(), cdr), ""
    except CompanionError as error:
        return [], str(error)


def _tenant() -> int | None:
    """Whose calls the operator sees; None, the house itself, sees all."""
    tenant_id = current_operator().tenant_id
    return None if tenant_id == 1 else tenant_id


def _list(form: forms.FilterForm, page: Page) -> dict[str, Any]:
    address = form.arguments()
    return {
        "form": form,
        "page": page,
        "presets": forms.PRESETS,
        "filters": address,
        "stamp": _stamp(page),
        "older": _address(address, after=page.next_cursor),
        "newer": _address(address, before=page.previous_cursor),
    }


def _address(address: dict[str, str], **place: Cursor | None) -> str | None:
    found = {name: str(cursor) for name, cursor in place.items() if cursor is not None}
    arguments: dict[str, Any] = address | found
    return url_for("cdr.index", **arguments) if found else None


def _stamp(page: Page) -> str:
    """Changes when the page would look different."""
    shown = [(row["id"], row["price"], row["unpriced_reason"], row["acc_ids"]) for row in page.rows]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]
