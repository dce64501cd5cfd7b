"""OpenSIPS Companion: ``create_app`` wires settings, extensions and rooms, nothing else."""

from __future__ import annotations

from importlib import import_module

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

from app.core import database, logging
from app.core.settings import Settings, load
from app.shell import search

# What stands around the rooms: each module has ``init_app``.
EXTENSIONS = ("app.jobs.metrics", "app.identity.web", "app.shell.frame")

# Rooms with screens: each module has a ``blueprint``.
SCREENS = (
    "app.identity.views",
    "app.shell.views",
    "app.shell.search_screen",
    "app.shell.design.views",
    "app.jobs.views",
    "app.jobs.metrics",
    "app.cdr.views",
    "app.mediation.views",
    "app.mediation.source_views",
    "app.mediation.payer_views",
    "app.routing.views",
    "app.provisioning.views",
    "app.subscribers.views",
    "app.portal.views",
    "app.routing.gateways",
    "app.billing.views",
    "app.billing.tariff_views",
    "app.identity.people_views",
    "app.identity.tenants_views",
    "app.identity.audit_views",
    "app.identity.account_views",
    "app.identity.openid_views",
    "app.webhooks.log_views",
    "app.shell.mail_screen",
    "app.retention.views",
    "app.api.token_views",
    # last: it needs all rooms
    "app.api.views",
)

# Rooms in which the global search looks, in the order of its answers: each has ``PROVIDERS``.
LOOKUPS = (
    "app.shell.places",
    "app.cdr.lookup",
    "app.subscribers.lookup",
    "app.billing.lookup",
    "app.routing.lookup",
    "app.provisioning.lookup",
    "app.mediation.lookup",
)

# Nouns of the command line: each module has a click ``command``.
COMMANDS = (
    "app.cli.init",
    "app.cli.demo",
    "app.cli.operator",
    "app.cli.mediate",
    "app.cli.source",
    "app.cli.worker",
    "app.cli.charging",
    "app.cli.rating",
    "app.cli.cdr",
    "app.cli.account",
    "app.cli.push",
    "app.cli.verify",
    "app.cli.payer",
    "app.cli.number",
    "app.cli.backup",
    "app.cli.restore",
    "app.cli.upgrade",
    "app.cli.audit",
    "app.cli.token",
    "app.cli.webhook",
    "app.cli.mail",
    "app.cli.retention",
    "app.cli.acc",
)


class Number(IntegerConverter):
    """A number in an address: what no column can hold is no address (404)."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=2**63 - 1)


def create_app(settings: Settings | None = None) -> Flask:
    """The application, ready for gunicorn, the CLI or a test."""
    settings = settings or load()
    app = Flask(__name__, template_folder="../templates", static_folder="static")
    app.extensions["settings"] = settings
    app.extensions["databases"] = database.connect(settings)
    logging.set_up(app)
    app.url_map.converters["int"] = Number
    for extension in EXTENSIONS:
        import_module(extension).init_app(app)
    for room in SCREENS:
        app.register_blueprint(import_module(room).blueprint)
    for room in LOOKUPS:
        search.offer(app, import_module(room).PROVIDERS)
    for noun in COMMANDS:
        app.cli.add_command(import_module(noun).command)
    return app
