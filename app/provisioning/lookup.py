"""Changes in the global search."""

from __future__ import annotations

from flask import url_for

from app.core import clock, formats
from app.core.context import databases
from app.core.errors import NotFound
from app.core.patience import hurried
from app.core.words import _, _l
from app.identity.access import Operator
from app.provisioning import changeset
from app.provisioning.words import summary
from app.shell.search import PATIENCE_S, Hit, Provider, number_after


def find(text: str, operator: Operator, limit: int) -> list[Hit]:
    """``change 12``; a bare number may be one too."""
    number = number_after(text, _l("change, change set"))
    if number is None:
        return []
    with hurried(databases().panel, PATIENCE_S) as connection:
        try:
            found = changeset.get(connection, number[0], tenant_id=operator.tenant_id)
        except NotFound:
            return []
    detail = f"{summary(found)} · {found.actor} · {formats.ago(found.created_at, clock.now_ms())}"
    url = url_for("provisioning.show", set_id=found.id)
    return [Hit(_("Change %(id)s", id=found.id), detail, url, "changes", exact=number[1])]


PROVIDERS = (Provider(_l("Changes"), "change.read", find, _l("change 12")),)
