"""The demo switch's configuration: domains, subscribers, carriers, routes, trunks, dialplan."""

from __future__ import annotations

import hashlib
from random import Random
from typing import Any

from sqlalchemy import Connection

from app.opensips.simulator.cast import ALL_DOMAINS, SEED, Cast
from app.opensips.simulator.destinations import DESTINATIONS
from app.opensips.simulator.rows import wall
from app.opensips.simulator.tables import TABLES, insert

Rows = list[dict[str, Any]]

# dpid, pr, match_op (0 string, 1 regex), match_exp, match_flags (1 any case), subst_exp, repl_exp,
# attrs, disabled. Lower priorities come first (dialplan module, "pr").
_DIALPLAN = (
    # 1: what a subscriber dialled → the number to route, digits only
    (1, 10, 0, "110", 0, "110", "110", "emergency", 0),
    (1, 10, 0, "112", 0, "112", "112", "emergency", 0),
    (1, 12, 0, "115", 0, "115", "49115", "authority", 0),
    (1, 14, 0, "*97", 0, None, None, "mailbox", 0),
    (1, 16, 1, r"^(\+|00)?(49)?0?900[0-9]+$", 0, None, None, "barred", 0),
    (1, 18, 1, r"^0800[0-9]{6,8}$", 0, r"^0(.+)$", r"49\1", "freephone", 0),
    (1, 20, 1, r"^\+[1-9][0-9]{6,14}$", 0, r"^\+(.+)$", r"\1", "international", 0),
    (1, 30, 1, r"^00[1-9][0-9]{6,14}$", 0, r"^00(.+)$", r"\1", "international", 0),
    (1, 35, 1, r"^011[1-9][0-9]{6,14}$", 0, r"^011(.+)$", r"\1", "international", 1),
    (1, 40, 1, r"^01[567][0-9]{8,9}$", 0, r"^0(.+)$", r"49\1", "mobile", 0),
    (1, 50, 1, r"^0[1-9][0-9]{3,11}$", 0, r"^0(.+)$", r"49\1", "national", 0),
    (1, 60, 1, r"^[1-9][0-9]{4,8}$", 0, r"^(.+)$", r"4930\1", "local", 0),
    # 2: what a gateway sends → a subscriber of ours
    (2, 10, 1, r"^\+?49(3023125[0-9]{3})$", 0, r"^\+?49(.+)$", r"49\1", "own block", 0),
    (2, 20, 1, r"^0(3023125[0-9]{3})$", 0, r"^0(.+)$", r"49\1", "own block", 0),
    (2, 30, 1, r"^23125[0-9]{3}$", 0, r"^(.+)$", r"4930\1", "own block", 0),
    # 3: the caller's number as carriers want it
    (3, 10, 0, "Anonymous", 1, "anonymous", "anonymous", "clir", 0),
    (3, 20, 1, r"^0([1-9][0-9]+)$", 0, r"^0([1-9][0-9]+)$", r"+49\1", "national", 0),
    (
        3,
        30,
        1,
        r"^00([1-9][0-9]+)$",
        0,
        r"^00([1-9][0-9]+)$",
        r"+\1",
        "international",
        0,
    ),
    (3, 40, 1, r"^[a-z]+\.[a-z]+[0-9]+$", 1, r"^.*$", "+493023125000", "name", 0),
    # 4: short numbers of a reseller
    (4, 10, 1, r"^1([0-9]{2})$", 0, r"^1([0-9]{2})$", r"4930231251\1", "extension", 0),
    (4, 20, 0, "9", 0, "9", "493023125000", "operator", 0),
    (
        4,
        30,
        1,
        r"^\*\*([0-9]{3})$",
        0,
        r"^\*\*([0-9]{3})$",
        r"493023125\1",
        "pickup",
        0,
    ),
    # 5: where prepaid customers may not call
    (5, 10, 1, r"^(53|252|88[23])", 0, None, None, "high risk", 0),
    (5, 20, 1, r"^3719", 0, None, None, "premium abroad", 0),
    (5, 30, 1, r"^87[0-9]", 0, None, None, "satellite", 1),
)
_DIALPLAN_COLUMNS = [
    "dpid",
    "pr",
    "match_op",
    "match_exp",
    "match_flags",
    "subst_exp",
    "repl_exp",
    "attrs",
    "disabled",
]


def provision(connection: Connection, cast: Cast, zone: str, now_ms: int) -> None:
    """Writes all of it into empty tables; tables that already hold rows stay as they are."""
    for name, rows in configuration(cast, zone, now_ms).items():
        if connection.execute(TABLES[name].select().limit(1)).first() is None:
            insert(connection, name, rows)


def configuration(cast: Cast, zone: str, now_ms: int) -> dict[str, Rows]:
    """The rows of every table, by table."""
    changed = wall(now_ms, zone)
    return {
        "domain": [
            {
                "domain": domain,
                "attrs": None,
                "accept_subdomain": 0,
                "last_modified": changed,
            }
            for domain in ALL_DOMAINS
        ],
        "subscriber": _subscribers(cast),
        # who registers with a name is called by number
        "dbaliases": [
            {
                "alias_username": who.number,
                "alias_domain": who.domain,
                "username": who.username,
                "domain": who.domain,
            }
            for who in cast.subscribers
            if who.username != who.number
        ],
        "address": [
            {
                "grp": 1,
                "ip": trunk.address,
                "mask": 32,
                "port": 0,
                "proto": "any",
                "pattern": None,
                "context_info": trunk.name,
            }
            for trunk in cast.trunks
        ],
        "dr_gateways": _gateways(cast),
        "dr_carriers": [
            {
                "carrierid": carrier.name,
                "gwlist": ",".join(carrier.gateways),
                "flags": 0,
                "sort_alg": "N",
                "state": 0,
                "attrs": None,
                "description": carrier.title,
            }
            for carrier in cast.carriers
        ],
        "dr_rules": [
            {
                "groupid": "0",
                "prefix": destination.prefix,
                "timerec": None,
                "priority": 0,
                "routeid": None,
                "gwlist": ",".join(
                    f"#{cast.carriers[index].name}" for index in cast.routes[destination.prefix]
                ),
                "sort_alg": "N",
                "sort_profile": None,
                "attrs": None,
                "description": destination.name,
            }
            for destination in DESTINATIONS
        ],
        "dialplan": [
            dict(zip(_DIALPLAN_COLUMNS, rule, strict=True)) | {"timerec": None}
            for rule in _DIALPLAN
        ],
        "dispatcher": [
            _destination(1, "sip:192.0.2.201:5060", "50", "application server 1"),
            _destination(1, "sip:192.0.2.202:5060", "50", "application server 2"),
            _destination(2, "sip:192.0.2.210:5080", "1", "mailboxes"),
        ],
    }


def locations(cast: Cast, zone: str, now_ms: int) -> Rows:
    """Contacts of the subscribers that are registered now, seven of ten."""
    rng = Random(SEED)
    rows: Rows = []
    for index, who in enumerate(cast.subscribers):
        if rng.random() > 0.7:
            continue
        rows.append(
            {
                "contact_id": 3_606_000_000_000_000 + index,
                "username": who.username,
                "domain": who.domain,
                "contact": f"sip:{who.username}@{who.address}:{rng.randrange(1024, 65535)}",
                "received": None,
                "path": None,
                "expires": now_ms // 1000 + rng.randrange(1_900, 3_600),
                "q": -1.0,
                "callid": f"{rng.getrandbits(64):016x}@{who.address}",
                "cseq": rng.randrange(2, 9_000),
                "last_modified": wall(now_ms, zone),
                "flags": 0,
                "cflags": None,
                "user_agent": who.agent,
                "socket": "udp:192.0.2.200:5060",
                "methods": None,
                "sip_instance": None,
                "kv_store": None,
                "attr": None,
            }
        )
    return rows


def _subscribers(cast: Cast) -> Rows:
    rng = Random(SEED)
    rows: Rows = []
    for who in cast.subscribers:
        # auth_db module, calculate_ha1=0: only the hashes count, RFC 2617 and RFC 8760.
        secret = f"{who.username}:{who.domain}:{rng.getrandbits(64):016x}".encode()
        rows.append(
            {
                "username": who.username,
                "domain": who.domain,
                "password": "",
                "ha1": hashlib.md5(secret, usedforsecurity=False).hexdigest(),
                "ha1_sha256": hashlib.sha256(secret).hexdigest(),
                "ha1_sha512t256": "",
            }
        )
    return rows


def _gateways(cast: Cast) -> Rows:
    return [
        {
            "gwid": gateway,
            "type": 0,
            "address": address,
            "strip": 0,
            "pri_prefix": None,
            "attrs": None,
            "probe_mode": 2,
            "state": 0,
            "socket": None,
            "description": carrier.title,
        }
        for carrier in cast.carriers
        for gateway, address in zip(carrier.gateways, carrier.addresses, strict=True)
    ]


def _destination(setid: int, uri: str, weight: str, text: str) -> dict[str, Any]:
    return {
        "setid": setid,
        "destination": uri,
        "socket": None,
        "state": 0,
        "probe_mode": 1,
        "weight": weight,
        "priority": 0,
        "attrs": None,
        "description": text,
    }
