"""What the ledger's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from app.core.database import Databases


@pytest.fixture
def statements(panel_db: Databases) -> Iterator[list[str]]:
    """Every round trip to the database, as its SQL."""
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(panel_db.panel, "before_cursor_execute", note)
    yield seen
    event.remove(panel_db.panel, "before_cursor_execute", note)
