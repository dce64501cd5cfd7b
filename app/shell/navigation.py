"""The menu: what there is, in the order of a working day, by permission."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request, url_for

from app.identity.access import Operator


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu; ``endpoint`` is the view, ``icon`` a name in pieces/icons.html."""

    label: str
    endpoint: str
    icon: str
    permission: str
    # endpoints of the same section, by their beginning, when it is not the blueprint alone
    section: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines under one heading."""

    label: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A line as the page shows it."""

    label: str
    url: str
    icon: str
    here: bool


MENU = (
    Group("", (Entry("Overview", "jobs.home", "home", "home.read", "jobs.home"),)),
    Group(
        "Calls",
        (
            Entry("Call records", "cdr.index", "calls", "cdr.read"),
            Entry("Open calls", "mediation.open_calls", "open", "suspense.read", "mediation.open"),
            Entry("Suspense", "mediation.index", "suspense", "suspense.read"),
        ),
    ),
    Group(
        "Configuration",
        (
            Entry("Dialplan", "routing.index", "dialplan", "dialplan.read"),
            Entry("Changes", "provisioning.index", "changes", "change.read", "provisioning."),
        ),
    ),
    Group("System", (Entry("Jobs", "jobs.index", "jobs", "job.read", "jobs."),)),
)


def menu(operator: Operator) -> list[tuple[str, list[Link]]]:
    """The groups and lines that the operator may use; what is not built yet is left out."""
    here = request.endpoint or ""
    best = _best(here)
    groups = []
    for group in MENU:
        links = [
            Link(entry.label, url_for(entry.endpoint), entry.icon, entry is best)
            for entry in group.entries
            if entry.endpoint in current_app.view_functions and operator.may(entry.permission)
        ]
        if links:
            groups.append((group.label, links))
    return groups


def _best(endpoint: str) -> Entry | None:
    """The entry whose section fits the endpoint most closely."""
    fits = [
        (len(section), entry)
        for group in MENU
        for entry in group.entries
        if endpoint.startswith(section := entry.section or entry.endpoint.split(".")[0] + ".")
    ]
    return max(fits, key=lambda pair: pair[0])[1] if fits else None
