"""What goes on: the figures of the start page."""

from __future__ import annotations

from typing import Any

from app.api.operations import Call, operation
from app.api.schema import Shape, flag, maybe, moment, whole
from app.cdr import figures
from app.core import clock
from app.core.context import databases
from app.core.database import reading
from app.jobs import heartbeat, ready
from app.mediation import suspense

_COUNTS = {
    "type": "object",
    "properties": {
        "answered": whole(),
        "failed": whole(),
        "capped": flag(description="Counting stopped; there are more."),
        "asr_permille": maybe(whole(0, 1000)),
    },
}
_EXAMPLE = {"answered": 900, "failed": 300, "capped": False, "asr_permille": 750}
OVERVIEW = Shape(
    "Overview",
    {
        "today": _COUNTS,
        "hour": _COUNTS,
        "unpriced": whole(),
        "suspense": maybe(whole()),
        "worker_alive": flag(),
        "worker_seen_at": maybe(moment()),
    },
    {
        "today": _EXAMPLE,
        "hour": _EXAMPLE,
        "unpriced": 0,
        "suspense": 3,
        "worker_alive": True,
        "worker_seen_at": "2026-11-23T12:00:00.000Z",
    },
)


@operation(
    "GET",
    "/overview",
    "home.read",
    "Calls today and in the last hour, and what waits for somebody",
    help="The day begins at midnight in the operator's own time zone.",
    answer=OVERVIEW,
    screens=("jobs.home",),
)
def figures_now(call: Call) -> dict[str, Any]:
    """Counts cost the same however many calls there are."""
    who = call.who
    with reading(databases().panel) as connection:
        waiting = suspense.counts(connection) if who.may("suspense.read") else None
        last = heartbeat.last(connection, "worker")
        return {
            "today": _counts(figures.since(connection, clock.midnight(who.zone), who.sees)),
            "hour": _counts(figures.since(connection, clock.now_ms() - clock.HOUR, who.sees)),
            "unpriced": figures.unpriced_count(connection, who.sees),
            "suspense": None if waiting is None else sum(waiting.values()),
            "worker_alive": heartbeat.alive(connection, "worker", ready.WORKER_SILENT_MS),
            "worker_seen_at": clock.iso(last.at if last else None),
        }


def _counts(found: figures.Figures) -> dict[str, Any]:
    return {
        "answered": found.answered,
        "failed": found.failed,
        "capped": found.capped,
        "asr_permille": found.asr_permille,
    }
