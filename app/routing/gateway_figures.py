"""What became of the attempts at a gateway of late."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from app.cdr import by_gateway
from app.cdr.by_gateway import GatewayFigures
from app.core import clock
from app.core.patience import hurried

_PATIENCE_S = 0.5


def last_day(panel: Engine, gwid: str) -> GatewayFigures | None:
    """Figures over the last 24 hours; None when counting them takes too long."""
    now = clock.now_ms()
    try:
        with hurried(panel, _PATIENCE_S) as connection:
            return by_gateway.of(connection, gwid, now - clock.DAY, now + clock.MINUTE)
    except DBAPIError:
        return None
