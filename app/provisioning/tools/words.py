"""What a tool's rows are called in headings, on buttons and in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.words import _l


@dataclass(frozen=True, slots=True)
class Words:
    """Whole texts, since languages bend nouns; ``%(id)s`` is the row's key.

    ``loss`` says what a deletion means for calls; ``first`` stands where there are no rows yet.
    """

    add: Any = _l("Add a row")
    new: Any = _l("New row")
    one: Any = _l("Row %(id)s")
    clone: Any = _l("Clone of row %(id)s")
    delete: Any = _l("Delete row %(id)s?")
    deletes: Any = _l("Delete the row")
    changed: Any = _l("Somebody changed this row while you edited it.")
    gone: Any = _l("Somebody deleted this row meanwhile.")
    missing: Any = _l("There is no row %(id)s.")
    loss: Any = ""
    empty: Any = _l("No rows yet")
    first: Any = ""
    unfound: Any = _l("No row fits")
    search: Any = _l("Text in a row")

    def of(self, name: str, row_id: object) -> str:
        """The text of that name about the row."""
        return str(getattr(self, name)) % {"id": row_id}
