"""Gateways that go down, as the nodes see them: asked with the look at the nodes, when it matters.

A node probes gateways and says what it found in ``dr_gw_status``; nothing else tells. It is asked
only while somebody wants to hear of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from app.core import clock, outbox
from app.core.upsert import insert_once
from app.opensips.mi import MiClient, MiError, NodeFacts
from app.opensips.mi_names import Command
from app.provisioning.nodes import Node
from app.provisioning.tables import gateway_state

EVENT = "gateway.down"
# States of drouting in which calls are not sent there though nobody has switched it off.
DOWN = frozenset({"Inactive", "Probing"})


@dataclass(frozen=True, slots=True)
class Fallen:
    """A gateway that a node has just found to be down."""

    node: str
    gwid: str
    address: str
    state: str

    def told(self) -> dict[str, Any]:
        """What an event says of it."""
        return {
            "node": self.node,
            "gateway": self.gwid,
            "address": self.address,
            "state": self.state,
        }


def ask(client: MiClient, facts: NodeFacts) -> Mapping[str, tuple[str, str]]:
    """Gateway → (address, state) on a node; empty where it has no drouting or does not say."""
    if not facts.offers(Command.DR_GW_STATUS):
        return {}
    try:
        answer = client.call(facts.name(Command.DR_GW_STATUS))
    except MiError:
        return {}
    rows = answer.get("Gateways") if isinstance(answer, dict) else None
    return {
        str(row.get("ID", ""))[:64]: (str(row.get("IP", "")), str(row.get("State", ""))[:16])
        for row in rows or ()
        if isinstance(row, dict)
    }


def note(connection: Connection, one: Node, found: Mapping[str, tuple[str, str]]) -> None:
    """Keeps what a node says, and tells of gateways that were up when they were last seen.

    Several workers look; the one that changes the row tells.
    """
    if not found:
        return
    known = {
        row.gwid: row.state
        for row in connection.execute(
            select(gateway_state).where(gateway_state.c.node_id == one.id)
        )
    }
    fallen = []
    for gwid, (address, state) in sorted(found.items()):
        before = known.get(gwid)
        if before == state:
            continue
        if before is None:
            _keep(connection, one.id, gwid, state)
        elif _move(connection, one.id, gwid, before, state) and before not in DOWN:
            if state in DOWN:
                fallen.append(Fallen(one.name, gwid, address, state))
    outbox.write(connection, EVENT, fallen, lambda _one: outbox.HOUSE, Fallen.told)


def _keep(connection: Connection, node_id: int, gwid: str, state: str) -> None:
    values = {"node_id": node_id, "gwid": gwid, "state": state, "since": clock.now_ms()}
    insert_once(connection, gateway_state, values, ("node_id", "gwid"))


def _move(connection: Connection, node_id: int, gwid: str, before: str, state: str) -> bool:
    moved = connection.execute(
        update(gateway_state)
        .where(
            gateway_state.c.node_id == node_id,
            gateway_state.c.gwid == gwid,
            gateway_state.c.state == before,
        )
        .values(state=state, since=clock.now_ms())
    )
    return moved.rowcount == 1
