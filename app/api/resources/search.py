"""The search over everything."""

from __future__ import annotations

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import Shape, flag, text
from app.shell.search import clean, search

HIT = Shape(
    "Hit",
    {"kind": text(64), "title": text(500), "detail": text(500), "url": text(2000), "exact": flag()},
    {
        "kind": "Accounts",
        "title": "alice@voice.example.net",
        "detail": "prepaid, EUR",
        "url": "/accounts/7",
        "exact": True,
    },
)
# Hits of each kind.
_EACH = 20


@operation(
    "GET",
    "/search",
    "home.read",
    "Look for a number, a Call-ID, a subscriber, an account, …",
    params=(Param("q", text(300, 1), "What is looked for.", required=True),),
    answer=HIT,
    lists=True,
    screens=("search.index", "search.suggest"),
)
def index(call: Call) -> Reply:
    """Exact hits first; all on one page. ``trouble`` names what could not be searched."""
    wanted = clean(call.query["q"])
    groups = search(wanted, call.who, min(call.limit, _EACH)).groups if wanted else []
    hits = [
        {
            "kind": str(group.kind),
            "title": hit.title,
            "detail": hit.detail,
            "url": hit.url,
            "exact": hit.exact,
        }
        for group in groups
        for hit in group.hits
    ]
    trouble = [f"{group.kind}: {group.trouble}" for group in groups if group.trouble]
    return call.listed(hits, None, lambda hit: hit, trouble=trouble)
