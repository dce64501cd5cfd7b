"""OpenSIPS Companion: ``create_app`` wires settings, extensions and rooms, nothing else."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

from app.core import database, logging
from app.core.settings import Settings, load

# What stands around the rooms: each module has ``init_app``.
EXTENSIONS = ("app.identity.web", "app.shell.frame")

# Rooms with screens: each module has a ``blueprint``.
SCREENS = (
    "app.identity.views",
    "app.shell.views",
    "app.jobs.views",
    "app.cdr.views",
    "app.mediation.views",
    "app.routing.views",
    "app.provisioning.views",
)

# Nouns of the command line: each module has a click ``command``.
COMMANDS = (
    "app.cli.init",
    "app.cli.demo",
    "app.cli.operator",
    "app.cli.mediate",
    "app.cli.worker",
    "app.cli.charging",
    "app.cli.rating",
    "app.cli.cdr",
    "app.cli.account",
    "app.cli.push",
    "app.cli.verify",
)


def create_app(settings: Settings | None = None) -> Flask:
    """The application, ready for gunicorn, the CLI or a test."""
    settings = settings or load()
    app = Flask(__name__, template_folder="../templates", static_folder="static")
    app.extensions["settings"] = settings
    app.extensions["databases"] = database.connect(settings)
    logging.set_up(app)
    for extension in EXTENSIONS:
        import_module(extension).init_app(app)
    for room in SCREENS:
        app.register_blueprint(import_module(room).blueprint)
    for noun in COMMANDS:
        app.cli.add_command(import_module(noun).command)
    return app
