"""Numbers for get_statistics: those that the demo switch really counts, under OpenSIPS's names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.core import clock
from app.opensips.simulator.dialogs import CONFIRMED, EARLY, UNCONFIRMED
from app.opensips.simulator.node import Node

# A real server's memory at rest; the demo has none to measure.
_MEMORY = {
    "shmem:total_size": 536_870_912,
    "shmem:max_used_size": 6_191_040,
    "shmem:free_size": 530_680_112,
    "shmem:used_size": 5_171_720,
    "shmem:real_used_size": 6_190_800,
    "shmem:fragments": 17_594,
}


def all_values(node: Node) -> dict[str, int]:
    """Every statistic, ``group:name`` → value."""
    dialogs = node.dialogs
    active, early = dialogs.count(CONFIRMED), dialogs.count(UNCONFIRMED, EARLY)
    ended = dialogs.processed - active - early
    counted = {
        "core:rcv_requests": dialogs.processed * 2 + ended,
        "core:rcv_replies": dialogs.processed * 3 + ended,
        "core:fwd_requests": dialogs.processed * 2 + ended,
        "core:drop_requests": 0,
        "core:err_requests": 0,
        "core:timestamp": (clock.now_ms() - node.started_ms) // 1000,
        "tm:inuse_transactions": early,
        "usrloc:registered_users": 0,
        "dialog:active_dialogs": active,
        "dialog:early_dialogs": early,
        "dialog:processed_dialogs": dialogs.processed,
        "dialog:expired_dialogs": 0,
        "dialog:failed_dialogs": dialogs.failed,
    }
    cluster = (
        "create_sent",
        "update_sent",
        "delete_sent",
        "create_recv",
        "update_recv",
    )
    counted |= {f"dialog:{name}": 0 for name in (*cluster, "delete_recv")}
    return _MEMORY | counted


def select(values: Mapping[str, int], wanted: Iterable[str]) -> dict[str, int]:
    """``all``, ``group:`` or a bare name each; ``group:name`` and unknown names give nothing."""
    found: dict[str, int] = {}
    for name in wanted:
        for key, value in values.items():
            group, _, bare = key.partition(":")
            if name in ("all", f"{group}:", bare):
                found[key] = value
    return found
