"""Why this price: the steps of a stored CDR's charge, worked out again by the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from app.core import money
from app.core.words import _, _l
from app.rating import reference
from app.rating.steps import exact_text
from app.rating.store import find_match
from app.rating.tables import batch
from app.rating.tariff import Match, Reason


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the explanation, all text."""

    label: str
    calculation: str
    amount_text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a customer is shown; ``note`` says why there are no steps, when there are none."""

    destination: str = ""
    prefix: str = ""
    tariff: str = ""
    version_id: int | None = None
    version_from: int | None = None
    steps: tuple[Step, ...] = ()
    total_text: str = ""
    currency: str = ""
    note: str = ""


_REASONS = {
    Reason.NO_ACCOUNT: _l(
        "No account has this call's account code, and no rule of who pays fits. Create the"
        " account and assign it a tariff, or add a rule; the call is then priced by itself."
    ),
    Reason.NO_TARIFF: _l(
        "The account had no tariff at the time of the answer. Assign one that is valid from"
        " then; the call is then priced by itself."
    ),
    Reason.NO_RATE: _l(
        "No prefix of the tariff fits the number. Add a version with a rate for it."
    ),
    Reason.NOT_A_NUMBER: _l("What was dialled is not a telephone number, so no prefix can fit."),
    Reason.CURRENCY: _l("The price has another currency than the account."),
    Reason.WAITING: _l("The rating engine has not been asked yet."),
    Reason.ENGINE_DOWN: _l(
        "The rating engine does not answer. The call is priced when it returns."
    ),
    Reason.ENGINE_REFUSED: _l("The rating engine gave no price for this call; see its log."),
}


def in_words(reason: str) -> str:
    """What an ``unpriced_reason`` means and what to do about it."""
    return str({str(known): words for known, words in _REASONS.items()}.get(reason, reason))


def explain(connection: Connection, cdr: Mapping[str, Any]) -> Explanation:
    """The price of a CDR in steps, or the note that says why there is none."""
    if cdr["unpriced_reason"]:
        return Explanation(note=in_words(cdr["unpriced_reason"]))
    if cdr["sell_amount"] is None and cdr["answered_at"] is not None:
        return Explanation(
            note=_("Nobody has to pay: the call came from outside to a number of ours.")
        )
    if cdr["sell_amount"] is None:
        return Explanation(note=_("The call was not answered: nothing is charged."))
    total = money.to_text(cdr["sell_amount"], cdr["sell_currency"]) or ""
    found = Explanation(
        destination=cdr["destination"], total_text=total, currency=cdr["sell_currency"]
    )
    if cdr["sell_version_id"] is None:
        name = connection.scalar(select(batch.c.engine).where(batch.c.id == cdr["sell_batch_id"]))
        return _noted(
            found, _("Priced by the engine '%(name)s', which keeps its steps to itself.", name=name)
        )
    match = find_match(connection, cdr["sell_version_id"], cdr["callee"])
    if match is None:
        return _noted(found, _("The tariff version that priced this call is not there any more."))
    return _with_steps(found, match, cdr["duration_ms"], cdr["answered_at"])


def _noted(found: Explanation, note: str) -> Explanation:
    return Explanation(
        destination=found.destination,
        total_text=found.total_text,
        currency=found.currency,
        note=note,
    )


def _with_steps(
    found: Explanation, match: Match, duration_ms: int, answered_at: int
) -> Explanation:
    priced = reference.price(match, duration_ms, at_ms=answered_at)
    return Explanation(
        destination=match.destination,
        prefix=match.prefix,
        tariff=match.version.tariff,
        version_id=match.version_id,
        version_from=match.version.valid_from,
        steps=tuple(
            Step(step.label, step.calculation, exact_text(step.amount)) for step in priced.steps
        ),
        total_text=found.total_text,
        currency=found.currency,
    )
