"""The status reports of the data that reloads load (OpenSIPS core, "Status/Report")."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

from app.core import clock
from app.opensips.simulator.errors import MiFailure
from app.opensips.simulator.rows import wall

# The core keeps only the latest ones of each identifier.
_KEPT = 200
STARTING = "starting DB data loading"
DONE = "DB data loading successfully completed"
FAILED = "DB data loading failed, discarding"


def ctime(instant_ms: int, zone: str) -> str:
    """Local time as C's ctime writes it: the day of the month padded with a blank."""
    return wall(instant_ms, zone).strftime("%a %b %e %H:%M:%S %Y")


class Reports:
    """Texts by group and identifier, oldest first."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._logs: dict[str, deque[dict[str, Any]]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._identifiers = {
            "dispatcher": "default",
            "drouting": "Default",
            "dialplan": "default",
        }

    def add(self, group: str, *logs: str) -> None:
        """Notes what a module has to say, now."""
        now = clock.now_ms()
        for log in logs:
            entry = {
                "Timestamp": now // 1000,
                "Date": ctime(now, self.zone),
                "Log": log,
            }
            self._logs[group].append(entry)

    def shown(self, group: str) -> list[dict[str, Any]]:
        """sr_list_reports of one group; raises MiFailure 404."""
        if group not in self._identifiers:
            raise MiFailure(404, "Group not found")
        return [{"Name": self._identifiers[group], "Reports": list(self._logs[group])}]

    def all(self) -> list[dict[str, Any]]:
        """sr_list_reports of all groups."""
        return [{"Name": group, "Identifiers": self.shown(group)} for group in self._identifiers]
