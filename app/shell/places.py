"""Screens by name: the menu's own words, and what else people call them."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for

from app.core.words import _, _l
from app.identity.access import Operator
from app.shell import navigation
from app.shell.search import Hit, Provider

# endpoint → other words for it, separated by commas
_SYNONYMS: dict[str, Any] = {
    "jobs.home": _l("home, start, dashboard, overview"),
    "cdr.index": _l("calls, call records, cdr, cdrs, call detail records, traffic"),
    "mediation.open_calls": _l("open calls, waiting rows, half calls"),
    "mediation.index": _l("suspense, rejected rows, errors of mediation"),
    "sources.index": _l("sources, switches, time zone, column mapping, number rules"),
    "routing.index": _l("dialplan, rules, translations, translation rules, dp"),
    "gateways.index": _l("gateways, trunks, dr_gateways, dynamic routing"),
    "subscribers.index": _l("subscribers, users, customers, phones, registrations"),
    "billing.index": _l("accounts, balances, money, billing, prepaid, postpaid"),
    "provisioning.index": _l("changes, change sets, nodes, pushes, history"),
    "jobs.index": _l("jobs, tasks, background, processes, workers"),
    "design.index": _l("design, pieces, components"),
    "identity.account": _l("your account, profile, password, time zone, language, sessions"),
}
# Screens that the menu does not have: label, endpoint, icon, permission.
_MORE = (
    (_l("Your account"), "identity.account", "person", "self.write"),
    (_l("New dialplan rule"), "routing.new", "plus", "dialplan.write"),
)


def find(text: str, operator: Operator, limit: int) -> list[Hit]:
    """Screens whose name or synonym starts with the text or has a word that does."""
    wanted = text.casefold()
    found = []
    for label, endpoint, icon, permission in _screens():
        if endpoint not in current_app.view_functions or not operator.may(permission):
            continue
        names = [str(label).casefold()]
        names += [word.strip().casefold() for word in str(_SYNONYMS.get(endpoint, "")).split(",")]
        if wanted in names:
            found.append(Hit(str(label), _("Screen"), url_for(endpoint), icon, exact=True))
        elif any(f" {name}".find(f" {wanted}") >= 0 for name in names if name):
            found.append(Hit(str(label), _("Screen"), url_for(endpoint), icon))
    return sorted(found, key=lambda hit: not hit.exact)[:limit]


def _screens() -> list[tuple[Any, str, str, str]]:
    entries = [entry for group in navigation.MENU for entry in group.entries]
    return [(e.label, e.endpoint, e.icon, e.permission) for e in entries] + list(_MORE)


PROVIDERS = (Provider(_l("Screens"), "home.read", find, _l("dialplan, jobs, password")),)
