"""Subscribers of the switch; their secrets are never read."""

from __future__ import annotations

from typing import Any

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import Shape, choice, maybe, moment, several, text, whole
from app.core import clock
from app.core.context import databases
from app.core.database import LARGEST_ID, reading
from app.portal import people
from app.subscribers import pages, store
from app.subscribers.store import address_of

SUBSCRIBER = Shape(
    "Subscriber",
    {
        "id": whole(1, LARGEST_ID),
        "username": text(64),
        "domain": text(64),
        "email_address": maybe(text(64)),
        "rpid": maybe(text(64)),
    },
    {
        "id": 5,
        "username": "alice",
        "domain": "voice.example.net",
        "email_address": None,
        "rpid": None,
    },
)
DETAIL = Shape(
    "SubscriberDetail",
    {
        **SUBSCRIBER.properties,
        "aliases": several(text(200)),
        "groups": several(text(64)),
        "account_id": maybe(whole(1)),
        "own_page": choice("none", "invited", "active"),
    },
    {
        **SUBSCRIBER.example,
        "aliases": ["493012345@voice.example.net"],
        "groups": ["international"],
        "account_id": 7,
        "own_page": "none",
    },
)
LINK = Shape(
    "PageLink",
    {"link": text(500), "ends_at": moment()},
    {
        "link": "https://panel.example.net/my/begin/Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4",
        "ends_at": "2026-11-30T12:00:00.000Z",
    },
)


@operation(
    "GET",
    "/subscribers",
    "subscriber.read",
    "List subscribers, by name",
    params=(Param("q", text(255, 1), "How user or domain start; user@domain; @domain."),),
    answer=SUBSCRIBER,
    lists=True,
    screens=("subscribers.index",),
)
def index(call: Call) -> Reply:
    """Those of one's own domains."""
    dbs = databases()
    domains = store.domains_of(dbs.panel, call.who)
    with reading(dbs.switch) as connection:
        query, table = store.query(connection)
        query = query.where(*store.seen(table, domains))
        if "q" in call.query:
            query = query.where(store.matches(table, call.query["q"]))
        found = call.page(connection, query, {"username": table.c.username, "id": table.c.id})
    return call.listed(found.rows, found.older, _plain)


@operation(
    "GET",
    "/subscribers/{subscriber_id}",
    "subscriber.read",
    "One subscriber, with aliases, groups and the account that pays",
    answer=DETAIL,
    etag=True,
    screens=("subscribers.show",),
)
def one(call: Call) -> dict[str, Any]:
    """As OpenSIPS's tables have it."""
    dbs = databases()
    row = _row(call)
    name, domain = row["username"], row["domain"]
    with reading(dbs.switch) as connection:
        aliases = store.aliases(connection, name, domain)
        groups = store.groups(connection, name, domain)
    return {
        **_plain(row),
        "aliases": aliases or [],
        "groups": groups or [],
        "account_id": store.account_of(dbs.panel, call.who, f"{name}@{domain}"),
        "own_page": _page(address_of(row)),
    }


@operation(
    "POST",
    "/subscribers/{subscriber_id}/page",
    "subscriber.write",
    "Make a link by which a subscriber chooses a password for his own page",
    help="The link is in this answer alone, good once and for 7 days.",
    answer=LINK,
    status=201,
    screens=("subscribers.give_page",),
)
def give_page(call: Call) -> dict[str, Any]:
    """A link from before is good no more."""
    ends = clock.iso(clock.now_ms() + people.INVITE_MS)
    return {"link": pages.give(_row(call)), "ends_at": ends}


@operation(
    "DELETE",
    "/subscribers/{subscriber_id}/page",
    "subscriber.write",
    "Take a subscriber's own page away",
    screens=("subscribers.take_page",),
)
def take_page(call: Call) -> None:
    """His sessions there end."""
    pages.take(_row(call))


def _page(address: str) -> str:
    with reading(databases().panel) as connection:
        access = people.access_of(connection, address)
    if access is None:
        return "none"
    return "active" if access.active else "invited"


def _row(call: Call) -> dict[str, Any]:
    return store.seen_by(databases(), call.path["subscriber_id"], call.who)


def _plain(row: Any) -> dict[str, Any]:
    # Columns of the operator's own making are not part of the contract.
    return {name: row.get(name) for name in SUBSCRIBER.properties}
