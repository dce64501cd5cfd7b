"""One node's turn: reload, read back, compare. Says what came of each change set."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from app.core.database import Databases, reading
from app.core.errors import CompanionError
from app.core.settings import Settings
from app.opensips.mi import MiClient, MiCommandError, MiError, NodeFacts, probe
from app.opensips.mi_names import Command
from app.provisioning.changeset import Edit
from app.provisioning.tools.declaration import OutOfTime, Proof, Tool
from app.provisioning.tools.registry import tool


@dataclass(frozen=True, slots=True)
class Task:
    """What one node has to learn: change set → (tool, edits)."""

    mi_url: str
    sets: Mapping[int, tuple[str, Sequence[Edit]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one change set on the node.

    ``state``: waiting (not reached), pushed (loaded, not compared), verified, failed.
    ``soon``: go on at once, nothing is wrong.
    """

    set_id: int
    state: str
    problem: str = ""
    level: str = ""
    evidence: dict[str, Any] | None = None
    reloaded: bool = False
    soon: bool = False


@dataclass(slots=True)
class NodeCall:
    """Commands to one node under its own spelling; ``budget`` is seconds of waiting for all."""

    client: MiClient
    budget: float
    spent: float = 0.0
    facts: NodeFacts = field(default_factory=lambda: NodeFacts("", frozenset()))

    def raw(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """A command by the name that goes over the wire."""
        left = self.budget - self.spent
        if left <= 0:
            raise OutOfTime
        started = time.monotonic()
        try:
            return self.client.call(method, params, timeout=left)
        finally:
            self.spent += time.monotonic() - started

    def __call__(self, command: Command, params: Mapping[str, Any] | None = None) -> Any:
        """A command under this node's spelling."""
        return self.raw(self.facts.name(command), dict(params) if params else None)


def node_call(mi_url: str, seconds: float) -> NodeCall:
    """A node that has been asked what it offers; raises MiError."""
    call = NodeCall(MiClient(mi_url, seconds), seconds)
    call.facts = probe(call.client, call=call.raw)
    return call


def serve(dbs: Databases, settings: Settings, task: Task) -> tuple[str, str, Sequence[Outcome]]:
    """(version, problem of the node or "", outcomes); never raises what a node or table causes."""
    try:
        call = node_call(task.mi_url, settings.mi_timeout)
    except (MiError, OutOfTime) as exc:
        return "", _sentence(exc), [Outcome(i, "waiting", _sentence(exc)) for i in task.sets]
    outcomes: list[Outcome] = []
    trouble = ""
    for name in dict.fromkeys(name for name, _ in task.sets.values()):
        edits = {i: rows for i, (used, rows) in task.sets.items() if used == name}
        try:
            outcomes += _one_tool(dbs, call, tool(name), edits)
        except MiError as exc:
            trouble = _sentence(exc)
            outcomes += [Outcome(i, "waiting", trouble) for i in edits]
        except OutOfTime:
            outcomes += [Outcome(i, "waiting", soon=True) for i in edits]
    return call.facts.version, trouble, outcomes


def _one_tool(
    dbs: Databases, call: NodeCall, used: Tool, edits: Mapping[int, Sequence[Edit]]
) -> list[Outcome]:
    """Raises MiError when the node could not be told, OutOfTime when it was not tried."""
    try:
        call(used.reload, used.reload_params())
    except MiCommandError as exc:
        problem = f"The node refused to reload {used.table}: {_sentence(exc)}"
        return [Outcome(set_id, "failed", problem) for set_id in edits]
    proofs: dict[int, Proof] = {}
    try:
        proofs = _proofs(dbs, call, used, edits)
        if any(proof.problem for proof in proofs.values()):
            # Somebody may have written between the reload and the look at the table.
            call(used.reload, used.reload_params())
            proofs = _proofs(dbs, call, used, edits)
    except OutOfTime:
        pass  # what was found out so far stands; the rest is asked next time
    except (CompanionError, SQLAlchemyError) as exc:
        problem = f"Reloaded, but reading back failed: {_sentence(exc)}"
        return [Outcome(set_id, "pushed", problem, reloaded=True) for set_id in edits]
    return [_outcome(set_id, proofs.get(set_id)) for set_id in edits]


def _proofs(
    dbs: Databases, call: NodeCall, used: Tool, edits: Mapping[int, Sequence[Edit]]
) -> dict[int, Proof]:
    with reading(dbs.switch) as connection:
        return used.prove(connection, call, edits)


def _outcome(set_id: int, proof: Proof | None) -> Outcome:
    if proof is None:
        return Outcome(set_id, "pushed", reloaded=True, soon=True)
    state = "failed" if proof.problem else "verified"
    level = "" if proof.problem else proof.level
    return Outcome(set_id, state, proof.problem, level, proof.evidence(), reloaded=True)


def _sentence(exc: Exception) -> str:
    if isinstance(exc, CompanionError):
        return str(exc)
    if isinstance(exc, OutOfTime):
        return "The node took too long to say what it is."
    return str(getattr(exc, "orig", exc)).splitlines()[0][:200]
