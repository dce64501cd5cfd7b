"""Database URLs of the settings, and ``PANEL_SOURCES``: the switches besides the first.

What is refused is never repeated: a URL holds a password.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.core.errors import SettingsError

# The source whose database PANEL_OPENSIPS_DATABASE_URL names.
MAIN_SOURCE = "opensips"
# The source of CDRs that no row of a switch stands behind.
CHARGING_SOURCE = "charging"

_DIALECTS = {"sqlite", "mysql+pymysql", "mariadb+pymysql", "postgresql+psycopg"}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class SourceSetting:
    """One more switch: its name, and the URL of its database, which is shown nowhere."""

    name: str
    url: str = field(repr=False)


def database_url(name: str, value: str) -> str:
    """The URL that the setting ``name`` holds, if it is one that we can use."""
    try:
        drivername = make_url(value).drivername
    except (ArgumentError, ValueError):
        # From None: what could not be read may be a piece of the password.
        raise SettingsError(
            f"PANEL_{name} is not a database URL.",
            "Write it like mysql+pymysql://user:password@host/database.",
        ) from None
    if drivername not in _DIALECTS:
        raise SettingsError(
            f"PANEL_{name} names the database driver '{drivername}'.",
            f"Use one of {', '.join(sorted(_DIALECTS))}.",
        )
    return value


def source_settings(text: str, taken: Collection[str]) -> tuple[SourceSetting, ...]:
    """``berlin=mysql+pymysql://…; paris=postgresql+psycopg://…`` as values.

    ``taken`` are URLs that are read already: a database that two sources read would have each
    call twice. Raises SettingsError with one sentence.
    """
    found: dict[str, SourceSetting] = {}
    urls = {make_url(url) for url in taken}
    for place, part in enumerate(filter(None, map(str.strip, text.split(";"))), 1):
        name, sign, url = (piece.strip() for piece in part.partition("="))
        if not sign or not _NAME.fullmatch(name):
            raise SettingsError(
                f"PANEL_SOURCES: entry {place} does not begin with a name and '='.",
                "Write name=URL, a semicolon between sources (%3B within a password); names of"
                " small letters, digits, dot, dash and underscore.",
            )
        if name in (MAIN_SOURCE, CHARGING_SOURCE):
            raise SettingsError(
                f"PANEL_SOURCES names a source '{name}', which there is already.", "Rename it."
            )
        if name in found:
            raise SettingsError(f"PANEL_SOURCES names the source '{name}' twice.", "Rename one.")
        made = make_url(database_url(f"SOURCES, source '{name}',", url))
        if made in urls:
            raise SettingsError(
                f"PANEL_SOURCES: the database of the source '{name}' is read already.",
                "Name each switch's database once: its calls would be counted twice.",
            )
        urls.add(made)
        found[name] = SourceSetting(name, url)
    return tuple(found.values())
