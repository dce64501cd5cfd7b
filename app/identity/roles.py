"""The permissions that there are, which roles are made of them, and what tenants may be let do."""

from __future__ import annotations

PERMISSIONS = frozenset(
    {
        "home.read",
        "cdr.read",
        "suspense.read",
        "suspense.replay",
        # the switches that calls are read from, and how their rows are understood
        "source.read",
        "source.write",
        "dialplan.read",
        "dialplan.write",
        "change.read",
        "change.write",
        "subscriber.read",
        # who has a page of his own
        "subscriber.write",
        "gateway.read",
        "account.read",
        "account.write",
        "tariff.read",
        "tariff.write",
        # who pays for calls of others than account codes, and whose numbers are whose
        "payer.read",
        "payer.write",
        "number.read",
        "number.write",
        "job.read",
        "job.write",
        "operator.read",
        "operator.write",
        "tenant.read",
        "tenant.write",
        "audit.read",
        "webhook.read",
        "webhook.write",
        "mail.read",
        "mail.write",
        # how long data stays, and what removes it
        "retention.read",
        "retention.write",
        "design.read",
        # one's own password, zone and session: every role has it
        "self.write",
    }
)

# What shows or changes nothing but rows of the operator's own tenants. All else is for the house:
# a new permission is closed to tenants until it is named here.
TENANT_SAFE = frozenset(
    {
        "home.read",
        "cdr.read",
        "subscriber.read",
        "subscriber.write",
        "account.read",
        "account.write",
        "tariff.read",
        "tariff.write",
        "number.read",
        "operator.read",
        "operator.write",
        "tenant.read",
        "tenant.write",
        "audit.read",
        "webhook.read",
        "webhook.write",
        "self.write",
    }
)

# What is of use to those who build or run the panel, and in nobody else's way.
_ADMIN_ONLY = {
    "design.read",
    "operator.read",
    "tenant.read",
    "webhook.read",
    "mail.read",
    "retention.read",
}
_LOOK = {
    "home.read",
    "cdr.read",
    "subscriber.read",
    "account.read",
    "tariff.read",
    "number.read",
    "self.write",
}
_NETWORK = {
    "suspense.read",
    "source.read",
    "dialplan.read",
    "gateway.read",
    "change.read",
    "job.read",
    "payer.read",
}

ROLES: dict[str, frozenset[str]] = {
    "admin": PERMISSIONS,
    "noc": frozenset(
        _LOOK
        | _NETWORK
        | {"subscriber.write", "suspense.replay", "dialplan.write", "change.write", "job.write"}
        | {"source.write"}
    ),
    "billing": frozenset(
        _LOOK
        | {"account.write", "tariff.write", "suspense.read", "job.read"}
        | {"payer.read", "payer.write", "number.write"}
    ),
    "support": frozenset(_LOOK | _NETWORK),
    "reseller": frozenset(
        _LOOK
        | {
            "account.write",
            "tariff.write",
            "subscriber.write",
            "operator.read",
            "operator.write",
            "tenant.read",
            "tenant.write",
            "audit.read",
            "webhook.read",
            "webhook.write",
        }
    ),
    "readonly": frozenset(name for name in PERMISSIONS if name.endswith(".read")) - _ADMIN_ONLY
    | {"self.write"},
}
