"""Engines by name; others come by the entry point ``opensips_companion.rating_engines``."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import cast

from sqlalchemy import Connection, Engine

from app.core.database import reading
from app.core.errors import SettingsError
from app.core.settings import Settings
from app.rating import store
from app.rating.engine import RatingEngine
from app.rating.engines.embedded import EmbeddedEngine
from app.rating.engines.http import HttpEngine


def make(settings: Settings, panel: Engine) -> RatingEngine:
    """The engine that the settings name, ready to price."""
    if settings.engine == "embedded":
        with reading(panel) as connection:
            return EmbeddedEngine(store.load_book(connection))
    if settings.engine == "http":
        if not settings.engine_url.startswith(("http://", "https://")):
            raise SettingsError(
                "PANEL_ENGINE is http, but PANEL_ENGINE_URL names no address.",
                "Set it to the engine's URL, such as http://127.0.0.1:9000/rate.",
            )
        return HttpEngine(settings.engine_url, settings.engine_timeout)
    for point in entry_points(group="opensips_companion.rating_engines"):
        if point.name == settings.engine:
            return cast(RatingEngine, point.load()(settings))
    raise SettingsError(
        f"There is no rating engine named '{settings.engine}'.",
        "Use embedded or http, or install the package that brings it.",
    )


class Current:
    """The engine as the tariffs stand, one for all pipelines of a process; nothing is loaded yet.

    ``engine`` is another object after every change of the tariffs.
    """

    def __init__(self, settings: Settings, panel: Engine) -> None:
        self.settings = settings
        self.panel = panel
        self.engine: RatingEngine | None = None
        self._stamp = ""

    def refresh(self, connection: Connection) -> RatingEngine:
        """The engine; made anew where tariffs have changed."""
        stamp = store.book_stamp(connection)
        if self.engine is None or stamp != self._stamp:
            self.engine, self._stamp = make(self.settings, self.panel), stamp
        return self.engine
