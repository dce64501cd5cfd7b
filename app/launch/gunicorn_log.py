"""gunicorn's own lines in the form of ours, from its first one (``--logger-class``)."""

from __future__ import annotations

import os
from typing import Any

from gunicorn import glogging

from app.core.logging import FORMATTERS


class Logger(glogging.Logger):  # type: ignore[misc]
    """As gunicorn's, but JSON where ``PANEL_LOG`` asks for it."""

    def setup(self, cfg: Any) -> None:
        """Called once, before the application is loaded, so the settings are not read yet."""
        super().setup(cfg)
        if os.environ.get("PANEL_LOG", "").strip() == "json":
            for handler in self.error_log.handlers:
                handler.setFormatter(FORMATTERS["json"]())
