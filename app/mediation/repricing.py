"""Pricing calls without a payer once more: few while somebody waits, many by the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, literal, select

from app import waiting
from app.cdr.tables import unpriced
from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.source_settings import MAIN_SOURCE
from app.identity import audit
from app.rating import engines
from app.rating.engine import EngineUnavailable
from app.rating.tariff import Reason

# So many are priced while the operator waits; more are left to the worker.
MOST = 500
_COUNTED = 50_000


@dataclass(frozen=True, slots=True)
class Repriced:
    """How many calls have a price now, and how many of those asked for have none yet.

    ``later``: the rest are the worker's, which takes them up at once.
    """

    priced: int
    left: int
    later: bool = False


def count(connection: Connection) -> int:
    """How many answered calls have no payer, at most 50,000."""
    mine = unpriced.c.reason == str(Reason.NO_ACCOUNT)
    inner = select(literal(1)).select_from(unpriced).where(mine).limit(_COUNTED).subquery()
    return int(connection.scalar(select(func.count()).select_from(inner)) or 0)


def all_waiting() -> Repriced:
    """All calls without a payer."""
    panel = databases().panel
    with reading(panel) as connection:
        mine = unpriced.c.reason == str(Reason.NO_ACCOUNT)
        query = select(unpriced.c.cdr_id).where(mine).order_by(unpriced.c.cdr_id)
        ids = list(connection.scalars(query.limit(MOST + 1)))
        total = count(connection)
    if len(ids) > MOST:
        waiting.wake(panel)
        return _noted("calls:no_account", Repriced(0, total, later=True))
    return _noted("calls:no_account", _at_once(ids))


def one(cdr: Mapping[str, Any]) -> Repriced:
    """One call that has no price: also one that nobody had to pay."""
    with writing(databases().panel) as connection:
        waiting.ask_again(connection, cdr)
    return _noted(f"call:{cdr['id']}", _at_once([cdr["id"]]))


def _at_once(ids: list[int]) -> Repriced:
    panel = databases().panel
    engine = engines.make(settings(), panel)
    try:
        priced = waiting.price_now(panel, engine, MAIN_SOURCE, ids)
    except EngineUnavailable:
        # The batch is written down: the worker sends it again.
        return Repriced(0, len(ids), later=True)
    return Repriced(priced, len(ids) - priced)


def _noted(what: str, done: Repriced) -> Repriced:
    detail = {"priced": done.priced, "left": done.left}
    with writing(databases().panel) as connection:
        audit.record(connection, action="calls.price", object=what, detail=detail)
    return done
