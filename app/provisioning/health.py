"""Are the nodes there? Asked every few seconds, all at once, so that the screens need not ask."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from app.core.database import Databases, writing
from app.core.settings import Settings
from app.opensips.mi import MiClient, MiError, probe
from app.provisioning import nodes
from app.provisioning.nodes import Node

_MOST_AT_ONCE = 16


def look(dbs: Databases, settings: Settings) -> int:
    """Asks every node for its version and writes down what came; returns how many answered."""
    with writing(dbs.panel) as connection:
        used = nodes.sync(connection, settings)
    if not used:
        return 0

    def ask(one: Node) -> tuple[str, str]:
        try:
            return probe(MiClient(one.mi_url, settings.mi_timeout)).version, ""
        except MiError as exc:
            return "", exc.message

    with ThreadPoolExecutor(min(len(used), _MOST_AT_ONCE)) as pool:
        answers = list(pool.map(ask, used))
    with writing(dbs.panel) as connection:
        for one, (version, problem) in zip(used, answers, strict=True):
            nodes.note_health(connection, one.id, version=version, problem=problem)
    return sum(1 for _, problem in answers if not problem)
