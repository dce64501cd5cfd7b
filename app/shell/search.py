"""Search over everything: rooms offer providers, the shell asks those that the viewer may use.

A room's ``lookup.py`` has ``PROVIDERS``; ``app/__init__.py`` names the room. What is searched for
stays out of logs.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from unicodedata import category

from flask import Flask, copy_current_request_context, current_app, g

from app.core.errors import CompanionError
from app.core.words import _
from app.identity.access import Operator

# A provider has its database end each statement after this long (app.core.patience).
PATIENCE_S = 0.2
# After this long the page is shown without those who have not answered.
DEADLINE_S = 1.0
LONGEST = 300
_KEY = "search"
# At a time, for each database: more would take connections from the screens.
_WORKERS = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found; ``exact``: it is just what was typed, not only like it."""

    title: str
    detail: str
    url: str
    icon: str
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """Finds one kind of thing; ``find(text, operator, limit)`` sees only the operator's tenant.

    ``kind`` heads its hits. ``example`` is what the empty page shows of what can be typed.
    ``database`` is the one that it asks: a database that hangs must not hold up the other.
    """

    kind: Any
    permission: str
    find: Callable[[str, Operator, int], list[Hit]]
    example: Any = ""
    database: str = "panel"
    # a sentence about what cannot be searched for, or nothing
    note: Callable[[str], str] = lambda _text: ""


@dataclass(frozen=True, slots=True)
class Group:
    """The hits of one provider, exact ones first; ``trouble`` says why there may be more."""

    kind: str
    hits: list[Hit]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """All that was found; the only exact hit is where one wanted to go."""

    text: str
    groups: list[Group]
    notes: list[str]

    @property
    def only(self) -> Hit | None:
        """The one exact hit, when there is one."""
        exact = {hit.url: hit for group in self.groups for hit in group.hits if hit.exact}
        return next(iter(exact.values())) if len(exact) == 1 else None


class _Registry:
    """Who can be asked, and the threads that ask, one set for each database."""

    def __init__(self) -> None:
        self.providers: list[Provider] = []
        self.pools: dict[str, ThreadPoolExecutor] = {}

    def pool(self, database: str) -> ThreadPoolExecutor:
        if database not in self.pools:
            self.pools[database] = ThreadPoolExecutor(_WORKERS, f"search-{database}")
        return self.pools[database]


def offer(app: Flask, providers: tuple[Provider, ...]) -> None:
    """Adds a room's providers; their hits stand in this order."""
    registry = app.extensions.setdefault(_KEY, _Registry())
    registry.providers.extend(providers)


def providers(operator: Operator) -> list[Provider]:
    """Those that the operator may use."""
    registry: _Registry = current_app.extensions[_KEY]
    return [provider for provider in registry.providers if operator.may(provider.permission)]


def clean(text: str) -> str:
    """What is searched for: one line without what no name or number has."""
    line = "".join(" " if category(sign) in ("Cc", "Zs") else sign for sign in text[:LONGEST])
    return " ".join(line.split())


def number_after(text: str, words: Any) -> tuple[int, bool] | None:
    """The number in ``rule 12`` and whether one of the words (commas between) stood before it."""
    found = re.fullmatch(r"(?:(.*?)[\s#:]*)?(\d{1,18})", text, re.ASCII)
    if found is None:
        return None
    word = (found[1] or "").casefold()
    if word and word not in [name.strip() for name in str(words).casefold().split(",")]:
        return None
    return int(found[2]), bool(word)


def search(text: str, operator: Operator, limit: int) -> Found:
    """Asks all providers at once; ``limit`` hits of each kind at most."""
    registry: _Registry = current_app.extensions[_KEY]
    asked = providers(operator)
    started = [
        registry.pool(provider.database).submit(_in_request(provider, text, operator, limit))
        for provider in asked
    ]
    end = time.monotonic() + DEADLINE_S
    groups = [_group(p, future, end) for p, future in zip(asked, started, strict=True)]
    groups = [group for group in groups if group.hits or group.trouble]
    groups.sort(key=lambda group: not any(hit.exact for hit in group.hits))
    return Found(text, groups, [note for p in asked if (note := p.note(text))])


def _in_request(
    provider: Provider, text: str, operator: Operator, limit: int
) -> Callable[[], list[Hit]]:
    """The provider's look-up with what a request knows, to be run in another thread."""

    def run() -> list[Hit]:
        g.operator = operator
        return provider.find(text, operator, limit)

    return copy_current_request_context(run)


def _group(provider: Provider, future: Future[list[Hit]], end: float) -> Group:
    kind = str(provider.kind)
    try:
        hits = future.result(max(end - time.monotonic(), 0))
    except TimeoutError:
        future.cancel()
        return Group(kind, [], _("No answer in time: there may be more."))
    except Exception as exc:  # noqa: BLE001  one that fails must not take the others along
        # The message may hold what was searched for.
        _log.warning("search: %s failed with %s", provider.find.__module__, type(exc).__name__)
        known = isinstance(exc, CompanionError)
        return Group(kind, [], str(exc) if known else _("This could not be searched just now."))
    shown = [replace(hit, title=str(hit.title), detail=str(hit.detail)) for hit in hits]
    return Group(kind, sorted(shown, key=lambda hit: not hit.exact))
