"""What a request or command can ask the application for."""

from __future__ import annotations

from typing import cast

from flask import current_app

from app.core.database import Databases
from app.core.settings import Settings


def databases() -> Databases:
    """The engines of our database and OpenSIPS's."""
    return cast(Databases, current_app.extensions["databases"])


def settings() -> Settings:
    """The settings that the process was started with."""
    return cast(Settings, current_app.extensions["settings"])
