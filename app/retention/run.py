"""One run of retention: what is due, step after step, in bites; the steps may be interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.core import clock
from app.core.database import Databases, reading
from app.retention import charges, drop, numbers, suspense_numbers
from app.retention.decisions import ANSWERED, FAILED, NUMBERS, Decision, cutoff, load
from app.retention.drop import Gone

STEPS = (FAILED, ANSWERED, "attempts", "charges", NUMBERS, "suspense")


@dataclass(frozen=True, slots=True)
class Plan:
    """Until when (set-up time, exclusive) each kind is due; None: it stays."""

    decisions: Mapping[str, Decision]
    cutoffs: Mapping[str, int | None]


def plan(dbs: Databases) -> Plan:
    """What is decided, as instants of now."""
    with reading(dbs.panel) as connection:
        decisions = load(connection)
    now = clock.now_ms()
    return Plan(decisions, {kind: cutoff(one, now) for kind, one in decisions.items()})


def bite(dbs: Databases, step: str, wanted: Plan) -> Gone:
    """A second or a partition of one step; raises drop.InUse where somebody holds the table."""
    until = wanted.cutoffs.get(step)
    if step in (FAILED, ANSWERED):
        return Gone(0, more=False) if until is None else drop.drop_next(dbs, step, until)
    if step == "attempts":
        both = [wanted.cutoffs[kind] for kind in (FAILED, ANSWERED)]
        known = [at for at in both if at is not None]
        return drop.drop_attempts(dbs, min(known) if len(known) == len(both) else 0)
    if step == "charges":
        return Gone(0, more=charges.fold_next(dbs) > 0)
    if step == "suspense":
        until = wanted.cutoffs[NUMBERS]
    if until is None:
        return Gone(0, more=False)
    if step == "suspense":
        return suspense_numbers.remove_next(dbs, wanted.decisions[NUMBERS], until)
    return numbers.remove_next(dbs, wanted.decisions[NUMBERS], until)


def to_the_end(dbs: Databases) -> Iterator[tuple[str, int]]:
    """Everything that is due now: (step, calls) of each bite."""
    wanted = plan(dbs)
    for step in STEPS:
        more = True
        while more:
            gone = bite(dbs, step, wanted)
            yield step, gone.calls
            more = gone.more
