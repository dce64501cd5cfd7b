"""What the modules dispatcher, permissions, domain and usrloc show of their tables."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Any

from app.opensips.simulator.errors import MiFailure

Rows = Iterable[dict[str, Any]]
_DS_STATES = {0: "Active", 1: "Inactive", 2: "Probing"}
_DS_LETTERS = {"a": 0, "i": 1, "p": 2}
_BIGGEST = 4_294_967_295


class Dispatcher:
    """Destinations in sets; states set through MI stay over a reload."""

    def __init__(self, rows: Rows, before: Dispatcher | None = None) -> None:
        self.sets: dict[int, list[dict[str, Any]]] = {}
        old = before.states() if before else {}
        for row in rows:
            state = old.get((row["setid"], row["destination"]), row["state"])
            self.sets.setdefault(row["setid"], []).append(dict(row) | {"state": state})

    def states(self) -> dict[tuple[int, str], int]:
        """The state of every destination, by set and address."""
        return {
            (setid, row["destination"]): row["state"]
            for setid, rows in self.sets.items()
            for row in rows
        }

    def shown(self, full: bool) -> dict[str, Any]:
        """ds_list; the set that was loaded last comes first."""
        sets = [
            {"id": setid, "Destinations": [_destination(row, full) for row in rows]}
            for setid, rows in reversed(self.sets.items())
        ]
        return {"PARTITIONS": [{"name": "default", "SETS": sets}]}

    def set_state(self, letter: str, group: str, address: str) -> None:
        """ds_set_state; raises MiFailure."""
        if letter not in _DS_LETTERS:
            raise MiFailure(500, "Bad state value")
        number = group.rpartition(":")[2]
        for row in self.sets.get(int(number) if number.isdigit() else -1, ()):
            if row["destination"] == address:
                row["state"] = _DS_LETTERS[letter]
                return
        raise MiFailure(404, "destination not found")


def _destination(row: dict[str, Any], full: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "URI": row["destination"],
        "state": _DS_STATES.get(row["state"], "Active"),
        "first_hit_counter": 0,
    }
    if row["attrs"]:
        shown["attr"] = row["attrs"]
    if full:
        shown |= {"weight": int(row["weight"] or 1), "priority": row["priority"]}
        if row["description"]:
            shown["description"] = row["description"]
    shown["resolved_addresses"] = [row["destination"].partition(":")[2]]
    return shown


def address_rows(rows: Rows) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What address_dump (single hosts) and subnet_dump (networks) list; bad rows are skipped."""
    hosts: list[dict[str, Any]] = []
    networks: list[dict[str, Any]] = []
    for row in rows:
        try:
            host = ip_address(row["ip"])
            network = ip_network((row["ip"], row["mask"]), strict=False)
        except ValueError:
            continue
        whole = row["mask"] == host.max_prefixlen
        shown = {
            "grp": row["grp"],
            "ip": row["ip"] if whole else str(network.network_address),
            "mask": "32" if whole else str(network.netmask),
            "port": row["port"],
            "proto": row["proto"],
            "pattern": row["pattern"] or "",
            "context_info": row["context_info"] or "",
        }
        (hosts if whole else networks).append(shown)
    return hosts, networks


def domain_rows(rows: Rows) -> list[dict[str, Any]]:
    """What domain_dump lists."""
    return [
        {"name": row["domain"]} | ({"attributes": row["attrs"]} if row["attrs"] else {})
        for row in rows
    ]


def location(rows: Rows, now_s: int, brief: bool) -> dict[str, Any]:
    """ul_dump: registrations that have not run out, ``Expires`` in seconds from now."""
    aors: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["expires"] > now_s:
            aors.setdefault(f"{row['username']}@{row['domain']}", []).append(row)
    shown: list[dict[str, Any]] = [
        {"AOR": aor}
        if brief
        else {"AOR": aor, "Contacts": [_contact(row, now_s) for row in contacts]}
        for aor, contacts in aors.items()
    ]
    return {"Domains": [{"name": "location", "hash_size": 512, "AORs": shown}]}


def _contact(row: dict[str, Any], now_s: int) -> dict[str, Any]:
    return {
        "Contact": row["contact"],
        "ContactID": str(row["contact_id"]),
        "Expires": row["expires"] - now_s,
        "Q": "" if row["q"] == -1 else str(row["q"]),
        "Callid": row["callid"],
        "Cseq": row["cseq"],
        "User-agent": row["user_agent"],
        "State": "CS_SYNC",
        "Flags": row["flags"],
        "Cflags": row["cflags"] or "",
        "Socket": row["socket"] or "",
        "Methods": row["methods"] if row["methods"] is not None else _BIGGEST,
    }
