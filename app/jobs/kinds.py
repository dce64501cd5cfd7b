"""The kinds of work that operators start and workers do, one module each.

A module has ``KIND``. Its ``bite`` does a small part of the work and says how far it came; it may
be killed after its effects and before that is noted, so the same bite may come twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from app.core.database import Databases
from app.core.settings import Settings
from app.core.words import _
from app.jobs.progress import Job

MODULES = ("app.mediation.replay_job", "app.mediation.compare_job", "app.retention.job")


@dataclass(frozen=True, slots=True)
class Work:
    """What a bite is told: the task as it was asked for, and where the last bite left off.

    ``done`` and ``total`` count what the job counts, ``detail`` is what it has found so far.
    """

    dbs: Databases
    settings: Settings
    task: Mapping[str, Any]
    place: Mapping[str, Any]
    done: int
    total: int
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bite:
    """What a bite says: how much is done in all and where the next begins; None ends the job."""

    done: int
    place: Mapping[str, Any] | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """``name`` stands in the job's row; ``title`` and ``result`` say what people read."""

    name: str
    bite: Callable[[Work], Bite]
    title: Callable[[Job], str]
    # sentences about what came of it so far, or in the end
    result: Callable[[Job], list[str]]
    # (endpoint, values) of the screen that shows what the job worked on
    screen: tuple[str, Mapping[str, Any]] | None = None


@cache
def known() -> Mapping[str, Kind]:
    """The kinds by name."""
    found: list[Kind] = [import_module(module).KIND for module in MODULES]
    return {kind.name: kind for kind in found}


def title(job: Job) -> str:
    """What the job is, for people."""
    kind = known().get(job.kind)
    if kind is not None:
        return kind.title(job)
    return _("Reading earlier calls") if job.kind == "backlog" else job.title


def result(job: Job) -> list[str]:
    """What came of it, in sentences."""
    kind = known().get(job.kind)
    return kind.result(job) if kind is not None else []
