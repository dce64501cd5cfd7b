"""One line per event, on standard error."""

from __future__ import annotations

import logging

from flask import Flask


def set_up(app: Flask) -> None:
    """Sends the application's log to standard error, one line per event."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
