"""One call as somebody sees it; the look is noted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.cdr import store
from app.cdr.filters import seen_by
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import NotFound
from app.core.words import _
from app.identity import audit
from app.identity.access import Operator


def at(cdr_id: int, who: Operator) -> Mapping[str, Any]:
    """The CDR as far as the operator sees it; raises NotFound, also for another tenant's."""
    panel = databases().panel
    with reading(panel) as connection:
        cdr = store.get(connection, cdr_id)
    if cdr is None or not who.sees_tenant(cdr["tenant_id"]):
        raise NotFound(
            _("There is no call %(id)s.", id=cdr_id),
            _("The list of calls shows those there are."),
        )
    with writing(panel) as connection:
        audit.record(connection, action="call.viewed", object=f"call:{cdr_id}")
    return seen_by(cdr, who.sees)
