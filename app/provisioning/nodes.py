"""The OpenSIPS nodes that changes go to: ``PANEL_NODES``, or the demo switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from app.core import clock
from app.core.settings import NodeSetting, Settings
from app.core.upsert import insert_once
from app.provisioning.tables import node

DEMO_MI = "http://127.0.0.1:8888/mi"
# A node that the settings no longer name; its row stays, since old pushes point at it.
RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Node:
    """One row of ``node``. ``state``: unknown, up, down; instants in milliseconds of UTC."""

    id: int
    name: str
    mi_url: str
    state: str
    version: str
    answered_at: int | None
    last_error: str


def wanted(settings: Settings) -> tuple[NodeSetting, ...]:
    """The nodes that the settings name; in the demo the demo switch alone."""
    if settings.nodes or not settings.demo:
        return settings.nodes
    return (NodeSetting("demo", DEMO_MI),)


def sync(connection: Connection, settings: Settings) -> list[Node]:
    """Makes the table say what the settings say; returns the nodes in use."""
    rows = {row.name: row for row in connection.execute(select(node))}
    named = {setting.name: setting for setting in wanted(settings)}
    for name, setting in named.items():
        row = rows.get(name)
        if row is None:
            values = {
                "name": name,
                "mi_url": setting.mi_url,
                "state": "unknown",
                "created_at": clock.now_ms(),
            }
            insert_once(connection, node, values, ("name",))
        elif row.mi_url != setting.mi_url or row.state == RETIRED:
            connection.execute(
                update(node)
                .where(node.c.id == row.id)
                .values(mi_url=setting.mi_url, state="unknown", last_error="")
            )
    gone = [row.id for name, row in rows.items() if name not in named and row.state != RETIRED]
    if gone:
        connection.execute(update(node).where(node.c.id.in_(gone)).values(state=RETIRED))
    return in_use(connection)


def in_use(connection: Connection) -> list[Node]:
    """The nodes in use, by name."""
    query = select(node).where(node.c.state != RETIRED).order_by(node.c.name)
    return [_node(row) for row in connection.execute(query)]


def note_health(connection: Connection, node_id: int, *, version: str, problem: str) -> None:
    """Writes down whether a node just answered (``problem`` empty) or not."""
    values: dict[str, Any] = {"state": "down" if problem else "up", "last_error": problem[:255]}
    if not problem:
        values |= {"answered_at": clock.now_ms(), "version": version[:80]}
    connection.execute(
        update(node).where(node.c.id == node_id, node.c.state != RETIRED).values(**values)
    )


def _node(row: Any) -> Node:
    return Node(
        row.id, row.name, row.mi_url, row.state, row.version, row.answered_at, row.last_error
    )
