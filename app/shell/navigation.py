"""The menu: what there is, in the order of a working day, by permission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, request, url_for

from app.core.words import _l
from app.identity.access import Operator


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu; ``endpoint`` is the view, ``icon`` a name in pieces/icons.html.

    ``key`` after the key ``g`` goes there.
    """

    label: Any
    endpoint: str
    icon: str
    permission: str
    # endpoints of the same section, by their beginning, when it is not the blueprint alone
    section: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines under one heading."""

    label: Any
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A line as the page shows it; ``here``: its section is open, ``exact``: it is the page."""

    label: Any
    url: str
    icon: str = ""
    key: str = ""
    here: bool = False
    exact: bool = False


MENU = (
    Group("", (Entry(_l("Overview"), "jobs.home", "home", "home.read", "jobs.home", key="h"),)),
    Group(
        _l("Calls"),
        (
            Entry(_l("Call records"), "cdr.index", "calls", "cdr.read", key="c"),
            Entry(
                _l("Open calls"),
                "mediation.open_calls",
                "open",
                "suspense.read",
                "mediation.open",
                key="o",
            ),
            Entry(_l("Suspense"), "mediation.index", "suspense", "suspense.read", key="s"),
            Entry(_l("Sources"), "sources.index", "node", "source.read", "sources.", key="q"),
        ),
    ),
    Group(
        _l("Customers"),
        (
            Entry(_l("Subscribers"), "subscribers.index", "person", "subscriber.read", key="u"),
            Entry(_l("Accounts"), "billing.index", "account", "account.read", key="a"),
            Entry(_l("Tariffs"), "tariffs.index", "tariff", "tariff.read", key="f"),
            Entry(_l("Who pays"), "payers.index", "arrow", "payer.read", "payers.", key="r"),
            Entry(_l("Numbers"), "payers.owned", "calls", "number.read", "payers.owned", key="n"),
        ),
    ),
    Group(
        _l("Configuration"),
        (
            Entry(_l("Dialplan"), "routing.index", "dialplan", "dialplan.read", key="d"),
            Entry(_l("Gateways"), "gateways.index", "gateway", "gateway.read", key="w"),
            Entry(
                _l("Changes"),
                "provisioning.index",
                "changes",
                "change.read",
                "provisioning.",
                key="e",
            ),
        ),
    ),
    Group(
        _l("System"),
        (
            Entry(_l("Jobs"), "jobs.index", "jobs", "job.read", "jobs.", key="b"),
            Entry(_l("Operators"), "operators.index", "person", "operator.read", key="p"),
            Entry(_l("Tenants"), "tenants.index", "tenant", "tenant.read", key="t"),
            Entry(_l("Audit"), "audit.index", "suspense", "audit.read", key="i"),
            Entry(_l("API"), "api.page", "api", "self.write", "api.", key="v"),
            Entry(_l("Webhooks"), "webhooks.index", "arrow", "webhook.read", key="k"),
            Entry(_l("Retention"), "retention.index", "trash", "retention.read", key="r"),
            Entry(_l("Mail"), "mail.index", "out", "mail.read", key="m"),
            Entry(_l("Design"), "design.index", "design", "design.read", key="y"),
        ),
    ),
)


def menu(operator: Operator) -> list[tuple[Any, list[Link]]]:
    """The groups and lines that the operator may use; what is not built yet is left out."""
    here = request.endpoint or ""
    best = _best(here)
    groups = []
    for group in MENU:
        links = [
            _link(entry, here, entry is best)
            for entry in group.entries
            if entry.endpoint in current_app.view_functions and operator.may(entry.permission)
        ]
        if links:
            groups.append((group.label, links))
    return groups


def trail(operator: Operator) -> list[Link]:
    """What lies above a deep page: the line of the menu that it belongs to."""
    here = request.endpoint or ""
    best = _best(here)
    if best is None or best.endpoint == here or not operator.may(best.permission):
        return []
    return [_link(best, here, True)]


def _link(entry: Entry, here: str, is_best: bool) -> Link:
    url = url_for(entry.endpoint)
    return Link(entry.label, url, entry.icon, entry.key, is_best, entry.endpoint == here)


def _best(endpoint: str) -> Entry | None:
    """The entry whose section fits the endpoint most closely."""
    fits = [
        (len(section), entry)
        for group in MENU
        for entry in group.entries
        if endpoint.startswith(section := entry.section or entry.endpoint.split(".")[0] + ".")
    ]
    return max(fits, key=lambda pair: pair[0])[1] if fits else None
