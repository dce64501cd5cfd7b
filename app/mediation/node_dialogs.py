"""Answered dialogs as the nodes hold them in memory (MI ``dlg_list``), page by page.

A node that does not answer, or not whole, says nothing at all: nobody is missed because of it.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from app.core import clock
from app.core.settings import NodeSetting
from app.opensips.mi import MiClient, MiError, probe
from app.opensips.mi_names import Command

log = logging.getLogger(__name__)

# About a kilobyte each: a page of 50 fits what httpd and UDP allow by default.
PAGE = 50
# MI serves one command at a time: a node with more dialogs than this is left alone.
MOST: Final = 5_000
# Confirmed, without and with ACK; 5 lingers for some seconds after the end.
ANSWERED: Final = (3, 4)
_AT_ONCE = 8

# A dialog's number in the switch, and when it was answered: the number comes again.
Key = tuple[int, int]


@dataclass(slots=True)
class Held:
    """Dialogs by their key, as rows of the table would be, each with its ``node``; and the nodes
    that told all of theirs."""

    dialogs: dict[Key, Mapping[str, Any]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)


def ask(nodes: Sequence[NodeSetting], timeout: float, stored: Container[tuple[str, str]]) -> Held:
    """What the nodes hold; ``stored`` are the dialogs (Call-ID, From tag) in the switch's table:
    a node that keeps its own there need not tell them. ``timeout`` in seconds a command."""
    held = Held()
    if not nodes:
        return held
    with ThreadPoolExecutor(min(len(nodes), _AT_ONCE)) as pool:
        answers = list(pool.map(lambda one: _ask(one, timeout, stored), nodes))
    names: set[tuple[str, str]] = set()
    for one, found in zip(nodes, answers, strict=True):
        if found is None:
            continue
        held.whole.add(one.name)
        for key, row in found.items():
            # Nodes of a cluster hold copies of each other's.
            name = (row["callid"], row["from_tag"])
            if name not in names:
                held.dialogs.setdefault(key, row)
                names.add(name)
    return held


def _ask(
    one: NodeSetting, timeout: float, stored: Container[tuple[str, str]]
) -> dict[Key, Mapping[str, Any]] | None:
    client = MiClient(one.mi_url, timeout)
    try:
        facts = probe(client)
        if not facts.offers(Command.DLG_LIST):
            return None
        command = facts.name(Command.DLG_LIST)
        found: dict[Key, Mapping[str, Any]] = {}
        index, count = 0, 1
        while index < count:
            answer = client.call(command, {"index": index, "counter": PAGE})
            count, page = int(answer["count"]), list(answer["Dialogs"])
            if count > MOST:
                log.info("Node %s has %s dialogs: they are not watched", one.name, count)
                return None
            for row in page:
                if int(row["state"]) not in ANSWERED:
                    continue
                key, dialog = _read(row, one.name)
                if (dialog["callid"], dialog["from_tag"]) in stored:
                    return None
                found[key] = dialog
            if not page:
                break
            index += PAGE
    except MiError as error:
        log.info("The dialogs of node %s are not watched: %s", one.name, error)
        return None
    except (KeyError, TypeError, ValueError) as error:
        log.info("Node %s listed its dialogs in another shape: %r", one.name, error)
        return None
    return found


def _read(row: Mapping[str, Any], node: str) -> tuple[Key, Mapping[str, Any]]:
    start = int(row["timestart"])
    dialog = {
        "callid": str(row["callid"])[:255],
        "from_tag": str(row["caller_tag"])[:255],
        "from_uri": str(row["from_uri"]),
        "to_uri": str(row["to_uri"]),
        "node": node,
    }
    return (int(row["db_id"]), start * clock.SECOND), dialog
