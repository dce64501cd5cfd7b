"""Tells every node to load what was written, until it has, and asks it whether it did.

Run by the worker; several may run. A push row is claimed by moving its ``next_at`` ahead in one
conditional UPDATE: whoever moved it works on it, and if that process dies it is due again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from app.core import clock, outbox
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.provisioning import changeset, nodes, writer
from app.provisioning.nodes import RETIRED
from app.provisioning.tables import change_set, node, push
from app.provisioning.verifier import Outcome, Task, serve

UNFINISHED = ("waiting", "pushed", "failed")
_MOST = 1000
_LONGEST_PAUSE = 60 * clock.SECOND
_PARALLEL = 16


@dataclass(frozen=True, slots=True)
class _Claim:
    """The pushes of one node that this process works on, until ``until``."""

    node_id: int
    name: str
    mi_url: str
    until: int
    pushes: dict[int, int]  # change set → push
    attempts: dict[int, int]  # push → attempts, this one counted
    failed: frozenset[int]  # pushes that had failed before


def run_due(dbs: Databases, settings: Settings) -> int:
    """Writes what is drafted and serves every node that is due; how many pushes it touched.

    Nodes are served side by side. Each gets ``settings.mi_timeout`` seconds in all, so this
    returns after little more than that, whatever hangs.
    """
    writer.finish_drafted(dbs, settings)
    claims = _claim(dbs, settings)
    if not claims:
        return 0
    pool = ThreadPoolExecutor(min(len(claims), _PARALLEL), thread_name_prefix="push")
    try:
        running = {pool.submit(serve, dbs, settings, _task(dbs, claim)): claim for claim in claims}
        # A resolver that hangs is the one thing without a limit of its own: not waited for.
        rounds = -(-len(claims) // _PARALLEL)
        done, _ = wait(running, timeout=rounds * (settings.mi_timeout + 5))
        for future in done:
            _settle(dbs, running[future], future)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return sum(len(claim.pushes) for claim in claims)


def try_now(dbs: Databases, set_id: int) -> int:
    """Makes the unfinished pushes of a change set due at once; how many there are."""
    with writing(dbs.panel) as connection:
        done = connection.execute(
            update(push)
            .where(push.c.change_set_id == set_id, push.c.state.in_(UNFINISHED))
            .values(next_at=clock.now_ms())
        )
        return done.rowcount


def pause_ms(attempts: int) -> int:
    """How long to wait after that many attempts: 1, 2, 4 … 60 seconds, in milliseconds."""
    return min(clock.SECOND << min(max(attempts - 1, 0), 10), _LONGEST_PAUSE)


def _claim(dbs: Databases, settings: Settings) -> list[_Claim]:
    now = clock.now_ms()
    due = (
        select(push.c.id, push.c.node_id)
        .join(node, node.c.id == push.c.node_id)
        .where(push.c.state.in_(UNFINISHED), push.c.next_at <= now, node.c.state != RETIRED)
        .order_by(push.c.id)
        .limit(_MOST)
    )
    with reading(dbs.panel) as connection:
        rows = connection.execute(due).all()
    if not rows:
        return []
    with writing(dbs.panel) as connection:
        used = {one.id: one for one in nodes.sync(connection, settings)}
        claims = []
        for node_id in sorted({row.node_id for row in rows} & used.keys()):
            ids = [row.id for row in rows if row.node_id == node_id]
            # The random part tells our claim from another process's of the same millisecond.
            lease = int(settings.mi_timeout * 1000) + 15 * clock.SECOND + secrets.randbelow(10_000)
            connection.execute(
                update(push)
                .where(push.c.id.in_(ids), push.c.next_at <= now, push.c.state.in_(UNFINISHED))
                .values(next_at=now + lease, attempts=push.c.attempts + 1)
            )
            mine = connection.execute(
                select(push).where(push.c.id.in_(ids), push.c.next_at == now + lease)
            ).all()
            if mine:
                claims.append(
                    _Claim(
                        node_id,
                        used[node_id].name,
                        used[node_id].mi_url,
                        now + lease,
                        {row.change_set_id: row.id for row in mine},
                        {row.id: row.attempts for row in mine},
                        frozenset(row.id for row in mine if row.state == "failed"),
                    )
                )
    return claims


def _task(dbs: Databases, claim: _Claim) -> Task:
    ids = list(claim.pushes)
    with reading(dbs.panel) as connection:
        edits = changeset.edits_of(connection, ids)
        used = select(change_set.c.id, change_set.c.tool).where(change_set.c.id.in_(ids))
        tools = {row.id: row.tool for row in connection.execute(used)}
    return Task(claim.mi_url, {set_id: (tools[set_id], edits[set_id]) for set_id in sorted(ids)})


def _settle(
    dbs: Databases, claim: _Claim, future: Future[tuple[str, str, Sequence[Outcome]]]
) -> None:
    """Writes what came of a claim, unless somebody else has taken it over meanwhile."""
    version, problem, outcomes = future.result()
    with writing(dbs.panel) as connection:
        nodes.note_health(connection, claim.node_id, version=version, problem=problem)
        fresh = []
        for outcome in outcomes:
            push_id = claim.pushes[outcome.set_id]
            noted = connection.execute(
                update(push)
                .where(push.c.id == push_id, push.c.next_at == claim.until)
                .values(**_values(outcome, claim.attempts[push_id]))
            )
            if noted.rowcount and outcome.state == "failed" and push_id not in claim.failed:
                fresh.append(outcome)
        outbox.write(
            connection,
            "push.failed",
            fresh,
            lambda _outcome: outbox.HOUSE,
            lambda one: {"change": one.set_id, "node": claim.name, "problem": one.problem[:255]},
        )


def _values(outcome: Outcome, attempts: int) -> dict[str, Any]:
    now = clock.now_ms()
    values: dict[str, Any] = {
        "state": outcome.state,
        "level": outcome.level,
        "problem": outcome.problem[:255],
        "next_at": now if outcome.soon else now + pause_ms(attempts),
    }
    if outcome.soon:
        values["attempts"] = attempts - 1  # nothing went wrong, time was up
    if outcome.evidence is not None:
        values["evidence"] = json.dumps(outcome.evidence, ensure_ascii=False)
    if outcome.reloaded:
        values["pushed_at"] = now
    if outcome.state == "verified":
        values["verified_at"] = now
    return values
