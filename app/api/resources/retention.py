"""How long calls and their numbers stay."""

from __future__ import annotations

from typing import Any

from app.api.operations import Call, operation
from app.api.schema import Shape, choice, flag, maybe, moment, several, text, whole
from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import Conflict
from app.core.words import _
from app.identity import audit
from app.identity.access import current_operator
from app.retention import decisions, figures, job
from app.retention.decisions import KINDS, LEAST_DAYS, MOST_DAYS, NUMBERS

_DAYS = maybe(whole(LEAST_DAYS, MOST_DAYS))
_KIND = {
    "type": "object",
    "properties": {
        "kind": choice(*KINDS),
        "days": _DAYS,
        "there": whole(),
        "since": maybe(moment()),
        "due": whole(),
        "partitions": whole(),
        "waiting": whole(),
        "decided_by": maybe(text(64)),
        "decided_at": maybe(moment()),
    },
}
RETENTION = Shape(
    "Retention",
    {"decided": flag(), "keep_digits": whole(0, 15), "kinds": several(_KIND, 10)},
    {
        "decided": True,
        "keep_digits": 6,
        "kinds": [
            {
                "kind": "failed",
                "days": 14,
                "there": 1200,
                "since": "2026-11-09T00:00:00Z",
                "due": 0,
                "partitions": 0,
                "waiting": 0,
                "decided_by": "ann",
                "decided_at": "2026-11-20T08:00:00Z",
            }
        ],
    },
)
CHANGE = Shape(
    "RetentionChange",
    {
        "answered": _DAYS,
        "failed": _DAYS,
        "numbers": _DAYS,
        "keep_digits": whole(0, 15),
        "shorten": flag(),
    },
    {"answered": 400, "failed": 14, "numbers": None, "keep_digits": 6, "shorten": True},
    optional=frozenset({"answered", "failed", "numbers", "keep_digits", "shorten"}),
    inbound=True,
)
BEGUN = Shape("RetentionRun", {"job_id": whole(1)}, {"job_id": 4})


@operation(
    "GET",
    "/settings/retention",
    "retention.read",
    "How long each kind of data stays, what there is, and what the next run removes",
    help=f"Counts stop at {figures.MOST + 1}. Until something is decided nothing is removed.",
    answer=RETENTION,
    screens=("retention.index",),
)
def show(call: Call) -> dict[str, Any]:
    """The decisions with their figures."""
    return _plain()


@operation(
    "PATCH",
    "/settings/retention",
    "retention.write",
    "Decide how long data stays",
    help="null: for ever. Where data goes that stayed before, shorten must be true.",
    body=CHANGE,
    answer=RETENTION,
    screens=("retention.decide",),
)
def change(call: Call) -> dict[str, Any]:
    """What is not named stays as it is."""
    days = {kind: call.body[kind] for kind in KINDS if kind in call.body}
    with writing(databases().panel) as connection:
        old = decisions.load(connection)
        if decisions.is_shorter(old, days) and not call.body.get("shorten"):
            raise Conflict(_("Older data would go for good."), _("Send shorten: true to agree."))
        digits = call.body.get("keep_digits", old[NUMBERS].keep_digits)
        by = current_operator().login
        decisions.decide(connection, days, keep_digits=digits, by=by)
    return _plain()


@operation(
    "POST",
    "/settings/retention/run",
    "retention.write",
    "Remove now what is due, as a job",
    answer=BEGUN,
    screens=("retention.begin",),
)
def begin(call: Call) -> dict[str, Any]:
    """The job's number; the same one while it waits or runs."""
    with writing(databases().panel) as connection:
        number = job.ask(connection, current_operator().id)
        audit.record(connection, action="retention.run", object=f"job:{number}")
    return {"job_id": number}


def _plain() -> dict[str, Any]:
    with reading(databases().panel) as connection:
        known = decisions.load(connection)
        decided = decisions.is_decided(connection)
        found = figures.all_of(connection, known)
    return {
        "decided": decided,
        "keep_digits": known[NUMBERS].keep_digits,
        "kinds": [
            {
                "kind": one.kind,
                "days": known[one.kind].days,
                "there": one.there,
                "since": clock.iso(one.since),
                "due": one.due,
                "partitions": one.parts,
                "waiting": one.waiting,
                "decided_by": known[one.kind].changed_by,
                "decided_at": clock.iso(known[one.kind].changed_at),
            }
            for one in found
        ],
    }
