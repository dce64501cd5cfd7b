"""The memory of the ``drouting`` module (OpenSIPS 3.6): gateways, carriers and rules.

A gateway's state set through MI wins over the table at the next reload unless
``inherit_state=n`` is given. What is invalid is skipped, and the reload answers OK.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.opensips.simulator.errors import MiFailure

_STATES = {0: "Active", 1: "Disabled MI", 2: "Probing"}
_ADDRESS = re.compile(r"^(sips?:)?([^@\s]+@)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$")
DEFAULT_GROUP = 0

Rows = Iterable[dict[str, Any]]


@dataclass(slots=True)
class Gateway:
    """A gateway; ``state`` as in the table: 0 active, 1 disabled, 2 probing."""

    name: str
    address: str
    attributes: str
    state: int

    def shown(self) -> dict[str, str]:
        """As dr_gw_status shows it in the list."""
        return {"ID": self.name, "IP": self.address} | self.status()

    def status(self) -> dict[str, str]:
        """As dr_gw_status shows a single one."""
        return _with_attributes(self.attributes) | {"State": _STATES[self.state]}


@dataclass(slots=True)
class CarrierEntry:
    """A carrier of dr_carriers."""

    name: str
    attributes: str
    enabled: bool

    def shown(self) -> dict[str, str]:
        """As dr_carrier_status shows it in the list."""
        return {"ID": self.name} | self.status()

    def status(self) -> dict[str, str]:
        """As dr_carrier_status shows a single one; the blank after "no" is the module's."""
        return _with_attributes(self.attributes) | {"Enabled": "yes" if self.enabled else "no "}


@dataclass(frozen=True, slots=True)
class RouteRule:
    """A rule of dr_rules; ``targets`` are ("GATEWAY" or "CARRIER", name)."""

    prefix: str
    priority: int
    targets: tuple[tuple[str, str], ...]
    attributes: str


@dataclass(slots=True)
class Routes:
    """Everything that dr_reload loads."""

    gateways: dict[str, Gateway] = field(default_factory=dict)
    carriers: dict[str, CarrierEntry] = field(default_factory=dict)
    rules: dict[int, list[RouteRule]] = field(default_factory=dict)
    loaded: int = 0

    def gateway(self, name: str) -> Gateway:
        """The gateway; raises MiFailure 404."""
        if name not in self.gateways:
            raise MiFailure(404, "GW ID not found")
        return self.gateways[name]

    def carrier(self, name: str) -> CarrierEntry:
        """The carrier; raises MiFailure 404."""
        if name not in self.carriers:
            raise MiFailure(404, "Carrier ID not found")
        return self.carriers[name]

    def look_up(self, number: str, group: int = DEFAULT_GROUP) -> dict[str, Any] | str:
        """dr_number_routing: the rule of the longest prefix, or the text "No match"."""
        fitting = [rule for rule in self.rules.get(group, ()) if number.startswith(rule.prefix)]
        if not fitting:
            return "No match"
        best = max(fitting, key=lambda rule: (len(rule.prefix), rule.priority))
        shown: dict[str, Any] = {
            "Matched Prefix": best.prefix,
            "GW List": [{kind: name} for kind, name in best.targets],
        }
        return shown | _with_attributes(best.attributes)


def load(gateways: Rows, carriers: Rows, rules: Rows, before: Routes | None) -> Routes:
    """What the tables make; ``before`` gives the states that are inherited."""
    found = Routes()
    for row in gateways:
        if _ADDRESS.match(row["address"]):
            name = row["gwid"]
            old = before.gateways.get(name) if before else None
            state = old.state if old else row["state"] if row["state"] in _STATES else 0
            found.gateways[name] = Gateway(name, row["address"], row["attrs"] or "", state)
    for row in carriers:
        name = row["carrierid"]
        known = before.carriers.get(name) if before else None
        enabled = known.enabled if known else not row["state"]
        found.carriers[name] = CarrierEntry(name, row["attrs"] or "", enabled)
    for row in rules:
        _add_rule(found, row)
    return found


def _add_rule(found: Routes, row: dict[str, Any]) -> None:
    prefix = row["prefix"] or ""
    gwlist = row["gwlist"] or ""
    if (prefix and not prefix.isdigit()) or ";" in gwlist:
        return
    targets = []
    for entry in filter(None, (part.strip() for part in gwlist.split(","))):
        name = entry.partition("=")[0]
        if name.startswith("#") and name[1:] in found.carriers:
            targets.append(("CARRIER", name[1:]))
        elif name in found.gateways:
            targets.append(("GATEWAY", name))
    rule = RouteRule(prefix, row["priority"], tuple(targets), row["attrs"] or "")
    found.loaded += 1
    for group in (row["groupid"] or "").split(","):
        if group.strip().isdigit():
            found.rules.setdefault(int(group), []).append(rule)


def _with_attributes(attributes: str) -> dict[str, str]:
    return {"ATTRS": attributes} if attributes else {}
