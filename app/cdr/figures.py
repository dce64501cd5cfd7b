"""Counts for the start page that cost the same however many calls there are."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, literal, select

from app.cdr.tables import answered, failed, unpriced
from app.identity.access import owned

# Counting stops here: the page says "50 000+" instead of waiting.
MOST = 50_000


@dataclass(frozen=True, slots=True)
class Figures:
    """Calls set up since an instant; ``capped`` when counting stopped at MOST."""

    answered: int
    failed: int
    capped: bool

    @property
    def calls(self) -> int:
        """All of them."""
        return self.answered + self.failed

    @property
    def asr_permille(self) -> int | None:
        """Answer-seizure ratio in tenths of a per cent, rounded down (ITU-T E.411).

        None without calls, and when a count was capped: the ratio would be wrong.
        """
        if self.capped or not self.calls:
            return None
        return self.answered * 1000 // self.calls


def since(
    connection: Connection, instant_ms: int, tenants: tuple[int, ...] | None = None
) -> Figures:
    """Figures of some tenants' calls (None: all) set up at or after an instant, from an index."""
    counts = [_count(connection, table, instant_ms, tenants) for table in (answered, failed)]
    return Figures(counts[0], counts[1], MOST in counts)


def unpriced_count(connection: Connection, tenants: tuple[int, ...] | None = None) -> int:
    """How many answered calls of some tenants (None: all) wait for a price, at most MOST."""
    mine = owned(unpriced.c.tenant_id, tenants)
    inner = select(literal(1)).select_from(unpriced).where(*mine).limit(MOST).subquery()
    return int(connection.scalar(select(func.count()).select_from(inner)) or 0)


def _count(
    connection: Connection, table: Table, instant_ms: int, tenants: tuple[int, ...] | None
) -> int:
    mine = [table.c.setup_at >= instant_ms, *owned(table.c.tenant_id, tenants)]
    inner = select(table.c.setup_at).where(*mine).limit(MOST).subquery()
    return int(connection.scalar(select(func.count()).select_from(inner)) or 0)
