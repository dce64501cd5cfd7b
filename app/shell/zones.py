"""Time zones as people name them: ``Europe/Berlin``, ``berlin``, ``UTC``."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import available_timezones

from app.core import clock
from app.core.errors import InvalidInput, SettingsError
from app.core.words import _


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """The IANA zones by area and city, sorted: those that people mean."""
    return tuple(sorted(name for name in available_timezones() if _is_place(name)))


def _is_place(name: str) -> bool:
    area = name.partition("/")[0]
    return name == "UTC" or ("/" in name and area not in ("Etc", "SystemV", "posix", "right"))


@lru_cache(maxsize=1)
def _spellings() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in zones():
        for spelling in {name.lower(), name.rpartition("/")[2].lower()}:
            found.setdefault(spelling, set()).add(name)
    return found


def find_zone(text: str) -> str:
    """The IANA zone that is meant: its name in any case, or its city alone where there is one."""
    wanted = "_".join(text.strip().split())
    known = _spellings().get(wanted.lower(), set())
    if wanted in known or len(known) == 1:
        return wanted if wanted in known else next(iter(known))
    if known:
        raise InvalidInput(
            _("There are several places called “%(typed)s”.", typed=text[:40]),
            _("Write one of %(names)s.", names=", ".join(sorted(known)[:4])),
            "zone",
        )
    try:
        # Old names and offsets (CET, Etc/GMT+3) are understood, though not offered.
        if len(wanted) > 64 or not wanted.isascii():
            raise SettingsError("")
        return clock.zone(wanted).key
    except SettingsError as exc:
        raise InvalidInput(
            _("“%(typed)s” is no time zone.", typed=text[:40]),
            _("Write one like Europe/Berlin, or UTC."),
            "zone",
        ) from exc
