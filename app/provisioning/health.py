"""Are the nodes there? Asked every few seconds, all at once, so that the screens need not ask."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from app.core import outbox
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.opensips.mi import MiClient, MiError, probe
from app.provisioning import gateway_watch, nodes
from app.provisioning.nodes import Node

_MOST_AT_ONCE = 16


def look(dbs: Databases, settings: Settings) -> int:
    """Asks every node for its version and writes down what came; returns how many answered."""
    with writing(dbs.panel) as connection:
        used = nodes.sync(connection, settings)
    if not used:
        return 0

    with reading(dbs.panel) as connection:
        with_gateways = outbox.is_wanted(connection, gateway_watch.EVENT)

    def ask(one: Node) -> tuple[str, str, Mapping[str, tuple[str, str]]]:
        client = MiClient(one.mi_url, settings.mi_timeout)
        try:
            facts = probe(client)
        except MiError as exc:
            return "", exc.message, {}
        return facts.version, "", gateway_watch.ask(client, facts) if with_gateways else {}

    with ThreadPoolExecutor(min(len(used), _MOST_AT_ONCE)) as pool:
        answers = list(pool.map(ask, used))
    with writing(dbs.panel) as connection:
        for one, (version, problem, gateways) in zip(used, answers, strict=True):
            nodes.note_health(connection, one.id, version=version, problem=problem)
            gateway_watch.note(connection, one, gateways)
    return sum(1 for _, problem, _gateways in answers if not problem)
