"""Call records: list, one, why it costs what it costs, the switch's rows, files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

from flask import Response, stream_with_context

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import choice
from app.api.shapes.calls import ATTEMPTS, CALL, FILTERS, PRICE, ROWS
from app.cdr import export, look, path, raw, words
from app.cdr.filters import Filters
from app.cdr.search import Cursor, search, walk
from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import InvalidInput
from app.core.words import _
from app.identity import audit
from app.identity.access import Forbidden
from app.rating.explain import explain
from app.shell import sheet
from app.shell.keyset import Place, no_place

# A file made while somebody waits holds so many calls.
MOST = 100_000


@operation(
    "GET",
    "/calls",
    "cdr.read",
    "List calls, newest first",
    help="Goes back in time until the page is full or 0.2 s have passed; “next” goes on.",
    params=FILTERS,
    answer=CALL,
    lists=True,
    screens=("cdr.index",),
)
def index(call: Call) -> Reply:
    """One page of calls."""
    cursor = None
    if call.place is not None:
        if len(call.place.values) != 2 or not all(isinstance(v, int) for v in call.place.values):
            raise no_place()
        cursor = Cursor(*map(int, call.place.values))
    with reading(databases().panel) as connection:
        found = search(connection, _filters(call), after=cursor, limit=call.limit)
    older = found.next_cursor
    place = None if older is None else str(Place((older.setup_at, older.id)))
    return call.listed(found.rows, place, export.plain)


@operation(
    "GET",
    "/calls/export",
    "cdr.read",
    "Calls as a file, newest first",
    help=f"At most {MOST} calls; a last line says when there are more: narrow the range.",
    params=(*FILTERS, Param("format", choice("csv", "jsonl"), "CSV when nothing is said.")),
    stream=("text/csv", "application/jsonl"),
    screens=("cdr.index",),
)
def download(call: Call) -> Response:
    """The file, streamed."""
    filters = _filters(call)
    wanted = str(call.query.get("format", "csv"))
    with writing(databases().panel) as connection:
        detail = dict(call.query)
        audit.record(connection, action="calls.exported", object="calls", detail=detail)

    def rows() -> Iterator[Mapping[str, Any]]:
        with reading(databases().panel) as connection:
            yield from map(export.plain, islice(walk(connection, filters), MOST + 1))

    lines = _csv(rows()) if wanted == "csv" else _jsonl(rows())
    kind = "text/csv" if wanted == "csv" else "application/jsonl"
    name = f"calls-{str(clock.iso(clock.now_ms()))[:10]}.{wanted}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(stream_with_context(lines), mimetype=kind, headers=headers)


def _csv(rows: Iterator[Mapping[str, Any]]) -> Iterator[str]:
    names = list(CALL.properties)

    def cells() -> Iterator[list[object]]:
        for count, row in enumerate(rows):
            if count == MOST:
                yield [_("The file ends here, after %(most)s rows: narrow the list.", most=MOST)]
                return
            yield [" ".join(row[n]) if n == "acc_ids" else row[n] for n in names]

    yield from sheet.lines(names, cells())


def _jsonl(rows: Iterator[Mapping[str, Any]]) -> Iterator[str]:
    for count, row in enumerate(rows):
        if count == MOST:
            yield json.dumps({"truncated": True, "after": MOST}) + "\n"
            return
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


@operation(
    "GET",
    "/calls/{cdr_id}",
    "cdr.read",
    "One call",
    answer=CALL,
    etag=True,
    screens=("cdr.show",),
)
def one(call: Call) -> dict[str, Any]:
    """One call; the look is noted."""
    return export.plain(look.at(call.path["cdr_id"], call.who))


@operation(
    "GET",
    "/calls/{cdr_id}/price",
    "cdr.read",
    "Why the call costs what it costs",
    answer=PRICE,
    screens=("cdr.show",),
)
def price(call: Call) -> dict[str, Any]:
    """The steps of the price, worked out again."""
    cdr = look.at(call.path["cdr_id"], call.who)
    with reading(databases().panel) as connection:
        why = explain(connection, cdr)
    return {
        "destination": why.destination,
        "prefix": why.prefix,
        "tariff": why.tariff,
        "steps": [
            {
                "label": str(step.label),
                "calculation": str(step.calculation),
                "amount": str(step.amount_text),
            }
            for step in why.steps
        ],
        "total": why.total_text,
        "currency": why.currency,
        "note": str(why.note),
        "flags": words.flags(cdr["flags"]),
    }


@operation(
    "GET",
    "/calls/{cdr_id}/rows",
    "cdr.read",
    "The switch's own rows of a call",
    help="For operators of the house: whose row it is at the carrier is its business.",
    answer=ROWS,
    screens=("cdr.show",),
)
def rows(call: Call) -> dict[str, Any]:
    """The rows as they stand in the switch's tables now; null where one is gone."""
    cdr = look.at(call.path["cdr_id"], call.who)
    if call.who.sees is not None:
        raise Forbidden(_("These rows are the house's."), _("Ask its administrator."))
    found = raw.rows(databases(), cdr)
    return {"rows": [{"table": r.table, "id": r.id, "values": r.values} for r in found]}


@operation(
    "GET",
    "/calls/{cdr_id}/attempts",
    "cdr.read",
    "The gateways that a call was tried at",
    help="For operators of the house: by whom it sends a call is its business.",
    answer=ATTEMPTS,
    screens=("cdr.show",),
)
def attempts(call: Call) -> dict[str, Any]:
    """In the order in which they were tried; the last one stands on the call too."""
    cdr = look.at(call.path["cdr_id"], call.who)
    if call.who.sees is not None:
        raise Forbidden(_("The gateways are the house's."), _("Ask its administrator."))
    with reading(databases().panel) as connection:
        found = path.steps(connection, cdr)
    return {"attempts": [asdict(step) | {"at": clock.iso(step.at)} for step in found]}


def _filters(call: Call) -> Filters:
    asked = {
        name: call.query[name]
        for name in ("caller", "callee", "call_id", "domain", "account", "status", "sip_class")
        if name in call.query
    }
    for name in ("caller", "callee"):
        if asked.get(name, "x").strip("*+") == "":
            raise InvalidInput(
                _("No digit of the number is given."), _("Write its beginning, or all."), name
            )
    for name in ("since", "until"):
        if name in call.query:
            asked[name] = clock.parse(call.query[name])
    return Filters(**asked, tenants=call.who.sees)
