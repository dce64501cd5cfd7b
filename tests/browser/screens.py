"""Every screen that there is, once: what the tests, the screenshots and Lighthouse walk through.

``test_screens.py`` fails when a view that answers GET is in neither list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Flask, url_for

from app.api.operations import OPERATIONS


@dataclass(frozen=True, slots=True)
class Screen:
    """A page: ``values`` are the view's arguments (a text names a key of ``first_ids``)."""

    name: str
    endpoint: str
    values: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    signed_in: bool = True


SCREENS = (
    Screen("login", "identity.login", signed_in=False),
    Screen("my-enter", "my.enter", signed_in=False),
    Screen("overview", "jobs.home"),
    Screen("calls", "cdr.index", query={"range": "7d"}),
    Screen("calls-filtered", "cdr.index", query={"range": "7d", "status": "failed"}),
    Screen("calls-none", "cdr.index", query={"caller": "nobody"}),
    Screen("call", "cdr.show", {"cdr_id": "call"}),
    Screen("call-unpaid", "cdr.show", {"cdr_id": "unpaid"}),
    Screen("call-failed", "cdr.show", {"cdr_id": "failed"}),
    Screen("open-calls", "mediation.open_calls"),
    Screen("suspense", "mediation.index"),
    Screen("vanished", "mediation.lost"),
    Screen("suspense-entry", "mediation.show", {"entry_id": "suspense"}),
    Screen("sources", "sources.index"),
    Screen("source", "sources.show", {"source_id": "source"}),
    Screen("source-edit", "sources.edit", {"source_id": "source"}),
    Screen("source-columns", "sources.columns", {"source_id": "source"}),
    Screen(
        "number-rules",
        "sources.rules",
        {"source_id": "source"},
        query={"number": "9030123", "domain": "wien.example"},
    ),
    Screen("number-rule-new", "sources.rule_new", {"source_id": "source"}),
    Screen("number-rule", "sources.rule_edit", {"source_id": "source", "rule_id": "number_rule"}),
    Screen(
        "number-rule-delete",
        "sources.rule_delete",
        {"source_id": "source", "rule_id": "number_rule"},
    ),
    Screen("dialplan", "routing.index"),
    Screen("dialplan-none", "routing.index", query={"q": "nothing like it"}),
    Screen("dialplan-try", "routing.index", query={"try": "9", "number": "0800123"}),
    Screen("rule-new", "routing.new"),
    Screen("rule-edit", "routing.edit", {"row_id": "rule"}),
    Screen("rule-delete", "routing.delete", {"row_id": "rule"}),
    Screen("changes", "provisioning.index"),
    Screen("change", "provisioning.show", {"set_id": "change"}),
    Screen("change-undo", "provisioning.undo_set", {"set_id": "change"}),
    Screen("jobs", "jobs.index"),
    Screen("job", "jobs.show", {"job_id": "job"}),
    Screen("job-cancel", "jobs.cancel", {"job_id": "job"}),
    Screen("account", "identity.account"),
    Screen("sessions", "safety.devices"),
    Screen("second-factor", "safety.factor"),
    Screen("tokens", "tokens.index"),
    Screen("api", "api.page"),
    Screen("single-sign-on", "openid.account"),
    Screen("operators", "operators.index"),
    Screen("operator-new", "operators.new"),
    Screen("operator", "operators.edit", {"operator_id": "operator"}),
    Screen("tenants", "tenants.index"),
    Screen("tenant-new", "tenants.new"),
    Screen("tenant", "tenants.edit", {"tenant_id": "tenant"}),
    Screen("audit", "audit.index"),
    Screen("audit-entry", "audit.show", {"entry_id": "audit"}),
    Screen("webhooks", "webhooks.index"),
    Screen("webhook-new", "webhooks.new"),
    Screen("webhook", "webhooks.edit", {"webhook_id": "webhook"}),
    Screen("webhook-delete", "webhooks.delete", {"webhook_id": "webhook"}),
    Screen("deliveries", "webhooks.deliveries", {"webhook_id": "webhook"}),
    Screen("delivery", "webhooks.delivery", {"webhook_id": "webhook", "delivery_id": "delivery"}),
    Screen("mail", "mail.index"),
    Screen("retention", "retention.index"),
    Screen("design", "design.index"),
    Screen("design-row", "design.drawer", {"number": "one"}),
    Screen("design-confirm", "design.confirm"),
    Screen("search", "search.index"),
    Screen("search-found", "search.index", query={"q": "anna", "all": "1"}),
    Screen("search-none", "search.index", query={"q": "nothing like it"}),
    Screen("subscribers", "subscribers.index"),
    Screen("subscriber", "subscribers.show", {"subscriber_id": "subscriber"}),
    Screen("gateways", "gateways.index"),
    Screen("gateway", "gateways.show", {"gateway_id": "gateway"}),
    Screen("tariffs", "tariffs.index"),
    Screen("tariff", "tariffs.show", {"tariff_id": "tariff"}),
    Screen("tariff-new", "tariffs.new"),
    Screen("tariff-version", "tariffs.new_version", {"tariff_id": "tariff"}),
    Screen("rates", "tariffs.version", {"tariff_id": "tariff", "version_id": "version"}),
    Screen("payers", "payers.index", query={"src_ip": "192.0.2.7", "dialled": "4930123"}),
    Screen(
        "payers-nobody",
        "payers.index",
        query={"src_ip": "198.51.100.7", "domain": "198.51.100.7", "dialled": "0033612345678"},
    ),
    Screen("payer-new", "payers.new"),
    Screen("payer-delete", "payers.delete", {"rule_id": "payer_rule"}),
    Screen("numbers", "payers.owned"),
    Screen("numbers-new", "payers.take"),
    Screen("number-end", "payers.end", {"number_id": "own_number"}),
    Screen("account-tariff", "tariffs.assign", {"account_id": "account"}),
    Screen("accounts", "billing.index"),
    Screen("account-of-customer", "billing.show", {"account_id": "account"}),
)

# Views that answer GET with something that is no page of its own, and what it is.
NO_SCREENS = {
    "static": "files",
    "assets.show": "style and script",
    "identity.code": "the second step of the sign-in; leads back without the first",
    "api.openapi": "JSON",
    "api.download": "JSON",
    "tenants.picture": "a picture",
    "my.begin": "a subscriber's own: test_portal.py walks it",
    "my.home": "a subscriber's own: test_portal.py walks it",
    "my.calls": "a subscriber's own: test_portal.py walks it",
    "my.month": "a subscriber's own: test_portal.py walks it",
    "my.password": "a subscriber's own: test_portal.py walks it",
    "openid.back": "where the sign-in provider sends the browser; leads on",
    "jobs.healthz": "JSON",
    "jobs.readyz": "JSON",
    "metrics.scrape": "for a collector",
    "jobs.running": "a piece of the jobs",
    "routing.try_number": "a piece of the dialplan",
    "search.suggest": "the options of the search box",
    "shell.zones": "the options of a field",
    "provisioning.progress": "a piece of the change",
}


def addresses(app: Flask, ids: Mapping[str, int]) -> dict[str, str]:
    """The address of each screen by its name."""
    with app.test_request_context():
        return {
            screen.name: url_for(
                screen.endpoint,
                **{name: ids[key] for name, key in screen.values.items()},
                **screen.query,
            )
            for screen in SCREENS
            if screen.endpoint in app.view_functions
        }


def missing(app: Flask) -> set[str]:
    """Views that answer GET and stand in neither list."""
    known = {screen.endpoint for screen in SCREENS} | set(NO_SCREENS)
    found = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    found = {name for name in found if name.removeprefix("api.") not in OPERATIONS}
    return found - known
