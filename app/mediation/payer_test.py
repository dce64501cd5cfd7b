"""Trying the order: who would pay for a call, by which rule, and what was tried before."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from app.core import clock
from app.core.context import settings
from app.core.numbering import to_e164
from app.ledger.tables import account
from app.mediation.payer import TOLLFREE, load_payers
from app.mediation.ways import Asked

# A source that there is not: what is tried is written as the settings say.
_HERE = 0
FIELDS = ("account", "domain", "caller", "src_ip", "dialled")


@dataclass(frozen=True, slots=True)
class Answer:
    """Who pays (a code, empty: nobody), by which way and pattern; what was tried in vain.

    ``number`` is what would be rated, ``owner`` the code of the account that owns it now.
    """

    payer: str
    way: str
    pattern: str
    tried: tuple[str, ...]
    number: str
    owner: str


def run(
    connection: Connection,
    *,
    account: str = "",
    domain: str = "",
    caller: str = "",
    src_ip: str = "",
    dialled: str = "",
) -> Answer:
    """What becomes of a call with these values, now."""
    plan = settings().number_plan
    callee = to_e164(dialled, plan) or dialled
    payers = load_payers(connection, [account], [(callee, dialled)])
    payers = replace(payers, plans={_HERE: plan})
    caller = to_e164(caller, plan) or caller
    asked = Asked(account, domain, caller, src_ip, dialled)
    decision = payers.decide(asked)
    number = decision.number(dialled, plan) or callee
    now = clock.now_ms()
    owned = payers.owner(number, now)
    owner = _code(connection, owned.payer.account_id) if owned else ""
    # Decided just as that of a call.
    cdr = {**asked._asdict(), "callee": number, "trunk": "", "direction": "", "setup_at": now}
    payer = payers.settle({**cdr, "source_id": _HERE})
    way = decision.way if payer == decision.payer else TOLLFREE
    return Answer(
        payer=_code(connection, payer.account_id) if payer else "",
        way=way,
        pattern=decision.rule.pattern if decision.rule and way != TOLLFREE else "",
        tried=decision.tried,
        number=number,
        owner=owner,
    )


def _code(connection: Connection, account_id: int) -> str:
    return str(connection.scalar(select(account.c.code).where(account.c.id == account_id)) or "")
