"""Counting in many processes: each of gunicorn's workers has its own files, a scrape adds them up.

``prometheus_client`` decides when it is imported whether it counts in files. Whoever imported it
first, and whenever: here it is told to.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    generate_latest,
    mmap_dict,
    multiprocess,
    values,
)
from prometheus_client.registry import Collector

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_FILE = re.compile(r"(counter|histogram)_(\d+)\.db")
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Tally:
    """What is counted for each request, by names from our code only."""

    def __init__(self) -> None:
        in_files: Any = values
        in_files.ValueClass = in_files.MultiProcessValue()
        self.requests = Counter(
            "companion_http_requests",
            "Requests answered.",
            ("endpoint", "method", "status"),
            registry=None,
        )
        self.durations = Histogram(
            "companion_http_request_duration_seconds",
            "How long answers took.",
            ("endpoint", "method"),
            registry=None,
            buckets=_BUCKETS,
        )


@cache
def tally() -> Tally:
    """The process's counters; ``open_in`` comes first."""
    return Tally()


def open_in(folder: Path) -> None:
    """Lets this process count in files of that folder, unless the environment names another."""
    where = Path(os.environ.setdefault(_FOLDER, str(folder)))
    where.mkdir(mode=0o700, parents=True, exist_ok=True)


def exposition(*extra: Collector) -> tuple[str, bytes]:
    """Media type and text of everything counted in all processes, and of other collectors."""
    folder = Path(os.environ[_FOLDER])
    # Counters of a registry of its own: what this process holds is in the files already.
    registry = CollectorRegistry()
    with _alone(folder):
        _fold_the_dead(folder)
        collector_of: Any = multiprocess.MultiProcessCollector
        counted: list[Metric] = list(collector_of(None, str(folder)).collect())
    for collector in (_Found(counted), *extra):
        registry.register(collector)
    return CONTENT_TYPE_LATEST, generate_latest(registry)


class _Found:
    """Metrics that are known already, as a registry wants them."""

    def __init__(self, metrics: list[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> list[Metric]:
        """All of them."""
        return self.metrics

    def describe(self) -> list[Metric]:
        """Nothing: names are ours, there is none twice."""
        return []


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One scrape at a time: nobody reads a file that another one is folding away."""
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fold_the_dead(folder: Path) -> None:
    """Adds the files of processes that are gone to one per kind: counts never go back."""
    dead: dict[str, list[Path]] = {}
    for file in folder.iterdir():
        found = _FILE.fullmatch(file.name)
        if found and not _alive(int(found.group(2))):
            dead.setdefault(found.group(1), []).append(file)
    for kind, files in dead.items():
        _fold(folder / f"{kind}_dead.db", files)


def _fold(archive: Path, files: list[Path]) -> None:
    files_of: Any = mmap_dict.MmapedDict  # untyped, like all that is inside that library
    sums: dict[str, float] = {}
    for file in [archive, *files] if archive.exists() else files:
        for key, value, _at, _place in files_of.read_all_values_from_file(str(file)):
            sums[key] = sums.get(key, 0.0) + value
    draft = archive.with_suffix(".new")
    draft.unlink(missing_ok=True)
    written = files_of(str(draft))
    for key, value in sums.items():
        written.write_value(key, value, 0.0)
    written.close()
    draft.rename(archive)
    for file in files:
        file.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
