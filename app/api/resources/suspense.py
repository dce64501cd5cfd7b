"""Rows that are no call, and rows that wait for the rest of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import BadRequest, Shape, choice, maybe, moment, several, text, whole
from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import NotFound
from app.core.words import _
from app.identity import audit
from app.mediation import replaying, suspense, tables
from app.mediation.call import Trouble

REASONS = tuple(str(reason) for reason in Trouble)
ENTRY = Shape(
    "SuspenseEntry",
    {
        "id": whole(1),
        "reason": text(32),
        "title": text(200),
        "remedy": text(500),
        "table": text(64),
        "row_id": whole(),
        "call_id": text(),
        "written_at": maybe(moment()),
        "seen_at": moment(),
        "detail": maybe(text(2000)),
        "numbers_removed_at": maybe(moment()),
        "row": {"type": "object"},
    },
    {
        "id": 7,
        "reason": "no_bye",
        "title": "Answered, but no BYE was accounted",
        "remedy": "Let the script account the BYE, or better, set the cdr flag.",
        "table": "acc",
        "row_id": 12,
        "call_id": "a84b4c76e66710@192.0.2.1",
        "written_at": "2026-11-23T12:00:00.000Z",
        "seen_at": "2026-11-23T12:00:05.000Z",
        "detail": None,
        "numbers_removed_at": None,
        "row": {"method": "INVITE", "sip_code": "200"},
    },
)
REASON = Shape(
    "SuspenseReason",
    {"reason": text(32), "count": whole()},
    {"reason": "no_bye", "count": 3},
)
OPEN_CALL = Shape(
    "OpenCall",
    {
        "id": whole(1),
        "table": text(64),
        "row_id": whole(),
        "call_id": text(),
        "written_at": moment(),
        "row": {"type": "object"},
    },
    {
        "id": 3,
        "table": "acc",
        "row_id": 12,
        "call_id": "a84b4c76e66710@192.0.2.1",
        "written_at": "2026-11-23T12:00:00.000Z",
        "row": {"method": "INVITE"},
    },
)
WHICH = Shape(
    "ReplayRequest",
    {"ids": several(whole(1), 100_000, 1), "reason": choice(*REASONS)},
    {"reason": "no_bye"},
    optional=frozenset({"ids", "reason"}),
    inbound=True,
)
COMPARISON = Shape("Comparison", {"job_id": whole(1)}, {"job_id": 12})
REPLAYED = Shape(
    "Replayed",
    {"used": whole(), "still": whole(), "job_id": maybe(whole(1))},
    {"used": 2, "still": 1, "job_id": None},
)


@operation(
    "GET",
    "/suspense",
    "suspense.read",
    "List suspense entries, newest first",
    params=(Param("reason", choice(*REASONS), "Of one reason."),),
    answer=ENTRY,
    lists=True,
    screens=("mediation.index",),
)
def index(call: Call) -> Reply:
    """One page of entries."""
    with reading(databases().panel) as connection:
        query = suspense.entries(call.query.get("reason"))
        found = call.page(connection, query, {"id": tables.suspense.c.id}, descending=True)
    return call.listed(found.rows, found.older, lambda row: _plain(suspense.entry(row)))


@operation(
    "GET",
    "/suspense/reasons",
    "suspense.read",
    "Suspense entries by reason",
    answer=REASON,
    lists=True,
    screens=("mediation.index",),
)
def reasons(call: Call) -> Reply:
    """How many there are of each reason; all on one page."""
    with reading(databases().panel) as connection:
        counts = suspense.counts(connection)
    rows = [{"reason": name, "count": count} for name, count in sorted(counts.items())]
    return call.listed(rows, None, lambda row: row)


@operation(
    "GET",
    "/suspense/{entry_id}",
    "suspense.read",
    "One suspense entry",
    answer=ENTRY,
    etag=True,
    screens=("mediation.show",),
)
def one(call: Call) -> dict[str, Any]:
    """Why it is here, what to do, and the row itself."""
    return _plain(_entry(call))


@operation(
    "POST",
    "/suspense/{entry_id}/replay",
    "suspense.replay",
    "Mediate one entry again",
    answer=REPLAYED,
    screens=("mediation.replay_one",),
)
def replay_one(call: Call) -> dict[str, Any]:
    """At once."""
    entry = _entry(call)
    return asdict(replaying.at_once([entry["id"]], f"suspense:{entry['id']}"))


@operation(
    "POST",
    "/suspense/replay",
    "suspense.replay",
    "Mediate entries again: those of some ids, or of a reason",
    help=f"Up to {replaying.MOST} at once; more are a job, whose number is answered.",
    body=WHICH,
    answer=REPLAYED,
    screens=("mediation.replay_selected", "mediation.replay_reason"),
)
def replay_many(call: Call) -> dict[str, Any]:
    """The oldest first."""
    reason, ids = call.body.get("reason"), sorted(set(call.body.get("ids", [])))
    if (reason is None) == (not ids):
        raise BadRequest([("/ids", _("Name either ids or a reason."))])
    done = replaying.of_ids(ids) if reason is None else replaying.of_reason(reason)
    return asdict(done)


@operation(
    "POST",
    "/suspense/compare",
    "suspense.replay",
    "Look for rows that came later than the settling time",
    help="A job, as every night: rows of the last days that nothing was made of are mediated.",
    answer=COMPARISON,
    screens=("mediation.compare",),
)
def compare(call: Call) -> dict[str, Any]:
    """The job's number; the one under way where there is one."""
    return {"job_id": replaying.compare()}


@operation(
    "GET",
    "/open-calls",
    "suspense.read",
    "List rows that wait for the rest of their call, newest first",
    answer=OPEN_CALL,
    lists=True,
    screens=("mediation.open_calls",),
)
def open_calls(call: Call) -> Reply:
    """One page of them."""
    with reading(databases().panel) as connection:
        key = {"id": tables.open_call.c.id}
        found = call.page(connection, suspense.open_rows(), key, descending=True)
    return call.listed(found.rows, found.older, lambda row: _open(suspense.open_row(row)))


def _entry(call: Call) -> dict[str, Any]:
    number = call.path["entry_id"]
    with reading(databases().panel) as connection:
        entry = suspense.get(connection, number)
    if entry is None:
        raise NotFound(
            _("There is no suspense entry %(id)s.", id=number), _("It may be a call by now.")
        )
    with writing(databases().panel) as connection:
        audit.record(connection, action="suspense.viewed", object=f"suspense:{number}")
    return entry


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": entry["id"],
        "reason": entry["reason"],
        "title": str(entry["title"]),
        "remedy": str(entry["remedy"]),
        "table": entry["table_name"],
        "row_id": entry["acc_id"],
        "call_id": entry["call_id"],
        "written_at": clock.iso(entry["at"]),
        "seen_at": clock.iso(entry["seen_at"]),
        "detail": entry["detail"],
        "numbers_removed_at": clock.iso(entry["numbers_removed_at"]),
        "row": entry["values"],
    }


def _open(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "table": row["table_name"],
        "row_id": row["acc_id"],
        "call_id": row["call_id"],
        "written_at": clock.iso(row["at"]),
        "row": row["values"],
    }
