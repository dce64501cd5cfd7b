"""The resources of the API, one file each; importing this package declares them all."""

from importlib import import_module

NAMES = (
    "calls",
    "suspense",
    "vanished",
    "sources",
    "dialplan",
    "changes",
    "gateways",
    "subscribers",
    "accounts",
    "tariffs",
    "payers",
    "numbers",
    "jobs",
    "search",
    "overview",
    "operators",
    "tenants",
    "webhooks",
    "deliveries",
    "mail",
    "retention",
    "audit",
    "me",
    "tokens",
)


def declare() -> None:
    """Imports every resource."""
    for name in NAMES:
        import_module(f"{__name__}.{name}")
