"""Figures of one gateway: they count attempts, where those of customers count calls."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, and_, case, func, or_, select

from app.cdr.figures import MOST
from app.cdr.tables import answered, attempt, failed

# The network did its part although nobody talked: busy, nobody answers, given up, declined.
_TERMINAL = (480, 486, 487, 600, 603)


@dataclass(frozen=True, slots=True)
class GatewayFigures:
    """Attempts at a gateway; ``capped`` when only the newest MOST calls were looked through."""

    attempts: int
    answered: int
    # answered, or the called party's own doing (ITU-T E.425)
    effective: int
    pdd_ms: int | None
    capped: bool

    @property
    def asr_permille(self) -> int | None:
        """Answer-seizure ratio in tenths of a per cent, rounded down (ITU-T E.425)."""
        return self.answered * 1000 // self.attempts if self.attempts else None

    @property
    def ner_permille(self) -> int | None:
        """Network effectiveness ratio in tenths of a per cent, rounded down (ITU-T E.425)."""
        return self.effective * 1000 // self.attempts if self.attempts else None


def of(connection: Connection, gateway: str, since_ms: int, until_ms: int) -> GatewayFigures:
    """A gateway's figures over calls set up from one instant to before another.

    The mean delay is the gateway's own: of calls for which it was the first and only one the
    call's, of others the last gateway's, which does not hold the time that those before it took.
    """
    attempts = talked = effective = rang = waited = 0
    capped = False
    for table in (answered, failed, attempt):
        first = table.c.first_ms if table is attempt else table.c.pdd_ms
        own = (
            first
            if table is attempt
            else case((table.c.attempts == 1, first), else_=table.c.first_ms)
        )
        inner = (
            select(
                table.c.gateway.label("gateway"),
                case((_effective(table, first), 1), else_=0).label("effective"),
                own.label("pdd_ms"),
            )
            .where(table.c.setup_at >= since_ms, table.c.setup_at < until_ms)
            .order_by(table.c.setup_at.desc())
            .limit(MOST)
            .subquery()
        )
        mine = case((inner.c.gateway == gateway, 1), else_=0)
        row = connection.execute(
            select(
                func.count(),
                func.sum(mine),
                func.sum(mine * inner.c.effective),
                func.count(case((inner.c.gateway == gateway, inner.c.pdd_ms))),
                func.sum(case((inner.c.gateway == gateway, inner.c.pdd_ms))),
            ).select_from(inner)
        ).one()
        seen, here, good, measured, delay = (int(value or 0) for value in row)
        capped = capped or seen == MOST
        attempts, effective = attempts + here, effective + good
        talked += here if table is answered else 0
        rang, waited = rang + measured, waited + delay
    return GatewayFigures(attempts, talked, effective, waited // rang if rang else None, capped)


def _effective(table: Table, first: ColumnElement[int | None]) -> ColumnElement[bool]:
    code = table.c.sip_code
    return or_(
        code.between(200, 299),
        code.in_(_TERMINAL),
        # It rang, and our timer was quicker than the called party.
        and_(code == 408, first.is_not(None)),
    )
