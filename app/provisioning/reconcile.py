"""Invariant 6: for every node and table a proof with its level, and none without."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from app.core.database import Databases, reading
from app.core.errors import CompanionError
from app.core.findings import MOST, Finding
from app.core.settings import Settings
from app.opensips.tables import has_table, reflect
from app.provisioning import nodes
from app.provisioning.changeset import Edit
from app.provisioning.nodes import RETIRED, Node
from app.provisioning.pusher import UNFINISHED
from app.provisioning.rows import plain
from app.provisioning.tables import change, change_set, node, push
from app.provisioning.tools.declaration import OutOfTime, Tool
from app.provisioning.tools.registry import TOOLS
from app.provisioning.verifier import node_call

LEVELS = ("equal", "sampled", "reloaded", "unknown")
# Rows asked for on each node: enough to notice a node that lives in the past.
_SAMPLE = 100


def check(dbs: Databases, settings: Settings, offline: bool) -> Iterator[Finding]:
    """What we wrote down of pushes is complete; unless ``offline``, nodes answer as tables say."""
    with reading(dbs.panel) as connection:
        yield _pushes(connection)
        yield _written(connection)
        used = nodes.in_use(connection)
        waiting = set(
            connection.scalars(
                select(push.c.node_id).where(push.c.state.in_(UNFINISHED)).distinct()
            )
        )
    if not offline:
        for one in used:
            # A node that still waits for a change differs rightly.
            if one.id not in waiting:
                yield _node(dbs, settings, one)


def _pushes(connection: Connection) -> Finding:
    """Nothing is called verified without its level, its evidence and its moment."""
    bad = connection.execute(
        select(push.c.id, push.c.change_set_id, push.c.level)
        .where(
            push.c.state == "verified",
            push.c.level.not_in(LEVELS) | push.c.evidence.is_(None) | push.c.verified_at.is_(None),
        )
        .limit(MOST)
    ).all()
    checked = connection.scalar(
        select(func.count()).select_from(push).where(push.c.state == "verified")
    )
    return Finding(
        "6 verified pushes have a level",
        checked or 0,
        [f"Push {row.id} of change {row.change_set_id} has no proof of a level." for row in bad],
    )


def _written(connection: Connection) -> Finding:
    """A written change names its rows and has one push for each node that was there."""
    violations = [
        f"Change {row.id} is written, but row {row.change_id} of it has no id."
        for row in connection.execute(
            select(change_set.c.id, change.c.id.label("change_id"))
            .join(change, change.c.change_set_id == change_set.c.id)
            .where(change_set.c.state == "written", change.c.row_id == "")
            .limit(MOST)
        )
    ]
    pushed = select(push.c.id).where(
        push.c.change_set_id == change_set.c.id, push.c.node_id == node.c.id
    )
    violations += [
        f"Change {row.id} was written but never meant for node {row.name}."
        for row in connection.execute(
            select(change_set.c.id, node.c.name)
            .join(node, node.c.created_at < change_set.c.written_at)
            .where(change_set.c.state == "written", node.c.state != RETIRED)
            .where(~pushed.exists())
            # a node that was away and came back loads the table when it starts
            .where(node.c.state == "up")
            .limit(MOST)
        )
    ]
    checked = connection.scalar(
        select(func.count()).select_from(change_set).where(change_set.c.state == "written")
    )
    return Finding("6 written changes are pushed", checked or 0, violations[:MOST])


def _node(dbs: Databases, settings: Settings, one: Node) -> Finding:
    """A sample of every table, asked of the node; one that does not answer is unknown."""
    name, checked, violations = f"6 node {one.name}", 0, []
    try:
        call = node_call(one.mi_url, settings.mi_timeout)
        for tool in TOOLS.values():
            with reading(dbs.switch) as connection:
                edits = _sample(connection, tool)
                if not edits:
                    continue
                proof = tool.prove(connection, call, {0: edits})[0]
            checked += len(edits)
            name = f"6 node {one.name} {tool.table} {proof.level}"
            if proof.problem:
                name = f"6 node {one.name} {tool.table} drifted"
                violations.append(proof.problem)
    except (CompanionError, OutOfTime, SQLAlchemyError):
        return Finding(f"6 node {one.name} unknown", 0)
    return Finding(name, checked, violations)


def _sample(connection: Connection, tool: Tool) -> list[Edit]:
    if not has_table(connection, tool.table):
        return []
    table = reflect(connection, tool.table)
    query = select(table).order_by(table.c[tool.key].desc()).limit(_SAMPLE)
    rows = [plain(row) for row in connection.execute(query).mappings()]
    # What the switch skips is no drift: the change that brought it is shown as failed.
    return [Edit(str(row[tool.key]), None, row) for row in rows if not tool.skips(row)]
