"""What an operator chose once and finds again everywhere: JSON under a name."""

from __future__ import annotations

import json
from typing import Any

from flask import g
from sqlalchemy import delete, select

from app.core.context import databases
from app.core.database import reading, writing
from app.identity.access import Operator, current_operator
from app.identity.tables import operator_preference as preference


def get(name: str, default: Any = None) -> Any:
    """What the operator chose, or the default; read once in a request."""
    if "preferences" not in g:
        g.preferences = _all(current_operator())
    return g.preferences.get(name, default)


def put(name: str, value: Any) -> None:
    """Keeps a choice; None goes back to the default."""
    operator = current_operator()
    mine = (preference.c.operator_id == operator.id, preference.c.name == name)
    with writing(databases().panel) as connection:
        connection.execute(delete(preference).where(*mine))
        if value is not None:
            row = {"operator_id": operator.id, "name": name, "tenant_id": operator.tenant_id}
            connection.execute(preference.insert(), row | {"value": json.dumps(value)})
    g.pop("preferences", None)


def _all(operator: Operator) -> dict[str, Any]:
    with reading(databases().panel) as connection:
        rows = connection.execute(
            select(preference.c.name, preference.c.value).where(
                preference.c.operator_id == operator.id
            )
        )
        return {row.name: json.loads(row.value) for row in rows}
