"""Calls of one row each: from columns to CDRs, charges and posting, without a value per call.

What ``app.recording`` does for calls of any shape; the pipeline's tests hold both against each
other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

from sqlalchemy import Connection

from app import pricing
from app.cdr import events, record, store
from app.charging.settle import AskedCall, find_session_cdrs
from app.mediation.payer import Payer, Payers
from app.mediation.singles import Columns, Singles
from app.rating.engine import ColumnEngine, Rated, RatingEngine
from app.rating.tariff import Reason


@dataclass(slots=True)
class Priced:
    """CDRs as columns; the payer of each answered one, None where nothing is to be paid yet."""

    answered: Columns = field(default_factory=dict)
    failed: Columns = field(default_factory=dict)
    payers: list[Payer | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.payers) + len(self.failed.get("id", ()))

    @property
    def charged(self) -> int:
        """How many have a price."""
        return len(self.payers) - self.payers.count(None)

    def records(self) -> Iterator[dict[str, Any]]:
        """The CDRs one by one."""
        for columns in (self.answered, self.failed):
            names = list(columns)
            for row in zip(*columns.values(), strict=True):
                yield dict(zip(names, row, strict=True))

    def charges(self) -> list[pricing.Charge]:
        """What each payer owes for all his calls, as one charge."""
        if not self.charged:
            return []
        sums: dict[int, int] = defaultdict(int)
        for account_id, units in zip(
            self.answered["sell_account_id"], self.answered["sell_amount"], strict=True
        ):
            if account_id is not None:
                sums[account_id] += units
        by_id = {payer.account_id: payer for payer in self.payers if payer is not None}
        return [
            pricing.Charge(payer, Rated(0, sums[account_id], payer.currency, ""))
            for account_id, payer in by_id.items()
        ]

    def take_out(self, places: Collection[int]) -> list[dict[str, Any]]:
        """Removes some of the answered ones; their CDRs."""
        keep = [True] * len(self.payers)
        for place in places:
            keep[place] = False
        mine = self.answered
        out = [{name: column[place] for name, column in mine.items()} for place in places]
        self.answered = {name: list(compress(column, keep)) for name, column in mine.items()}
        self.payers = list(compress(self.payers, keep))
        return out


def unsettled(payers: Payers, singles: Singles) -> list[int]:
    """Places of the calls of which account code and domain alone do not tell who pays."""
    told = singles.columns
    known = {key: payers.at_once(*key) for key in set(_keys(told))}
    return [
        place
        for place, (key, callee) in enumerate(zip(_keys(told), told["callee"], strict=True))
        if known[key] is None or callee in payers.numbers
    ]


def prepare(
    payers: Payers,
    engine: RatingEngine | None,
    singles: Singles,
    *,
    source_id: int,
    now_ms: int,
) -> Priced:
    """CDRs of calls that account code and domain settle, priced by an engine of columns."""
    made = Priced()
    for is_answered, told in _split(singles.columns):
        cdrs = record.build_columns(told, source_id=source_id, epoch=singles.epoch, now_ms=now_ms)
        known = {key: payers.at_once(*key) or (None, 1) for key in set(_keys(told))}
        found = [known[key] for key in _keys(told)]
        cdrs["tenant_id"] = [tenant for _, tenant in found]
        cdrs["direction"] = ["out" if payer else "" for payer, _ in found]
        if not is_answered:
            made.failed = cdrs
            continue
        made.answered, made.payers = cdrs, [None] * len(found)
        cdrs["unpriced_reason"] = [
            str(Reason.WAITING if payer else Reason.NO_ACCOUNT) for payer, _ in found
        ]
        if isinstance(engine, ColumnEngine) and engine.inline:
            _price(engine, made, [payer for payer, _ in found])
    return made


def _split(columns: Columns) -> Iterator[tuple[bool, Columns]]:
    """The answered ones and the others."""
    answered = [at is not None for at in columns["answered_at"]]
    for wanted in (True, False):
        count = answered.count(wanted)
        if count == len(answered):
            yield wanted, columns
        elif count:
            keep = answered if wanted else [not one for one in answered]
            yield wanted, {name: list(compress(all_, keep)) for name, all_ in columns.items()}


def takes(engine: RatingEngine | None) -> bool:
    """Whether calls can go this way: an engine that prices at once must know columns."""
    return engine is None or not engine.inline or isinstance(engine, ColumnEngine)


def _keys(told: Columns) -> Iterator[tuple[str, str]]:
    return zip(told["account"], told["domain"], strict=True)


def _price(engine: ColumnEngine, made: Priced, found: Sequence[Payer | None]) -> None:
    """Enters the prices of answered calls, and the reasons of those without one."""
    cdrs = made.answered
    places = [place for place, payer in enumerate(found) if payer is not None]
    payers = [payer for payer in found if payer is not None]

    def mine(name: str) -> list[Any]:
        column = cdrs[name]
        return column if len(places) == len(column) else [column[place] for place in places]

    rated = engine.rate_columns(
        [payer.account_id for payer in payers],
        [text if text.isascii() and text.isdigit() else "" for text in mine("callee")],
        mine("answered_at"),
        mine("duration_ms"),
    )
    reasons = cdrs["unpriced_reason"]
    charged = made.payers
    for place, payer, units, reason, currency in zip(
        places, payers, rated.units, rated.reasons, rated.currencies, strict=True
    ):
        if units is None or currency != payer.currency:
            reasons[place] = str(Reason.CURRENCY if reason is None else reason)[:32]
        else:
            charged[place] = payer
            reasons[place] = None
    none = [None] * len(found)
    units_of, versions, zones = list[Any](none), list[Any](none), [""] * len(found)
    for place, units, version, zone in zip(
        places, rated.units, rated.version_ids, rated.destinations, strict=True
    ):
        if charged[place] is not None:
            units_of[place], versions[place], zones[place] = units, version, zone[:80]
    cdrs["sell_amount"] = cdrs["price"] = units_of
    cdrs["sell_version_id"], cdrs["destination"] = versions, zones
    cdrs["sell_account_id"] = [payer.account_id if payer else None for payer in charged]
    cdrs["sell_tax"] = [0 if payer else None for payer in charged]
    cdrs["sell_currency"] = [payer.currency if payer else None for payer in charged]


def join_sessions(connection: Connection, priced: Priced) -> None:
    """Takes out the calls that charging has made a CDR of: that one gets their rows."""
    told = priced.answered
    if not told:
        return
    names = ("charge_id", "call_id", "account", "answered_at", "setup_at")
    calls = enumerate(zip(*(told[name] for name in names), strict=True))
    found = find_session_cdrs(connection, (AskedCall(place, *call) for place, call in calls))
    if found:
        taken = priced.take_out([one.place for one, _ in found])
        for (_, key), cdr in zip(found, taken, strict=True):
            store.add_first_rows(connection, record.Key(True, *key), cdr)


def write(connection: Connection, priced: Priced, *, first_id: int, batch_id: int | None) -> None:
    """Stores the CDRs with ids from ``first_id`` on, and says what is to be said of them."""
    for columns, is_answered in ((priced.answered, True), (priced.failed, False)):
        if columns:
            count = len(columns["call_id"])
            columns["id"] = list(range(first_id, first_id + count))
            first_id += count
            if is_answered:
                columns["sell_batch_id"] = [batch_id if one else None for one in priced.payers]
            store.insert_columns(connection, columns, is_answered=is_answered)
    events.ended(connection, priced.records())
    events.priced(connection, (cdr for cdr in priced.records() if cdr["sell_amount"] is not None))
