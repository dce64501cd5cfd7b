"""Who pays for a call: first the account that its account code names, in the tenant of its
domain; then, in an order that the operator sets, whoever has a rule that fits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from app.core.numbering import NumberPlan, to_e164
from app.identity.tables import tenant_domain
from app.ledger.tables import account
from app.mediation.tables import own_number, payer_rule, payer_way, source
from app.mediation.ways import ACCOUNT, PREFIX, WAYS, Asked, Decision, Payer, Rule, Rules, build

HOUSE = 1  # the operator's own tenant: whoever has no other
TOLLFREE = "tollfree"
_CHUNK = 500

__all__ = ["HOUSE", "Payer", "Payers", "load_payers", "nobody_pays"]


class Owned(NamedTuple):
    """A number that we own: whose it is, from when till when (None: without end)."""

    payer: Payer
    kind: str
    valid_from: int
    valid_till: int | None


@dataclass(frozen=True, slots=True)
class Payers:
    """Accounts by code, tenants by domain, rules and own numbers, as needed for one batch."""

    accounts: Mapping[str, Mapping[int, Payer]]
    tenants: Mapping[str, int]
    rules: Rules = field(default_factory=Rules)
    numbers: Mapping[str, list[Owned]] = field(default_factory=dict)
    # the dialling plan of each source, where technical prefixes are taken off
    plans: Mapping[int, NumberPlan] = field(default_factory=dict)
    _found: dict[tuple[str, str], Payer | None] = field(default_factory=dict)

    def tenant_of(self, code: str, domain: str) -> int:
        """The tenant that owns the domain of an account code, else of the caller."""
        own = self.tenants.get(code.rpartition("@")[2]) if "@" in code else None
        return own or self.tenants.get(domain, HOUSE)

    def find(self, code: str, domain: str) -> Payer | None:
        """The payer that a code names; in another tenant only when it is unique there."""
        key = (code, domain)
        if key not in self._found:
            self._found[key] = self._find(code, domain)
        return self._found[key]

    def decide(self, asked: Asked) -> Decision:
        """Who pays for a call, by the first way that names somebody."""
        tried: list[str] = []
        for way in self.rules.order:
            if way == ACCOUNT:
                payer = self.find(asked.account, asked.domain)
                if payer is not None:
                    return Decision(payer, way, None, tuple(tried))
            else:
                rule = self.rules.find(way, asked)
                if rule is not None:
                    return Decision(rule.payer, way, rule, tuple(tried))
            tried.append(way)
        return Decision(None, tried=tuple(tried))

    def settle(self, cdr: dict[str, Any]) -> Payer | None:
        """Who pays for the call of a CDR; notes tenant, direction, trunk, and its number without
        a technical prefix on it."""
        decision = self._quickly(cdr)
        payer = decision.payer
        if decision.rule is not None:
            cdr["trunk"] = cdr["trunk"] or decision.rule.trunk_name
            plan = self.plans.get(cdr["source_id"], NumberPlan())
            number = decision.number(cdr["dialled"], plan)
            cdr["callee"] = cdr["callee"] if number is None else number
        tenant = payer.tenant_id if payer else self.tenant_of(cdr["account"], cdr["domain"])
        called = self.owner(cdr["callee"], cdr["setup_at"])
        # The CDR is the payer's tenant's: another tenant's call stays with its caller.
        outside = decision.payer is None and not cdr["account"] and tenant == HOUSE
        if called is not None and called.kind == TOLLFREE:
            payer = called.payer if outside or tenant == called.payer.tenant_id else payer
        cdr["direction"] = _direction(payer, called) or cdr["direction"]
        if payer is not None:
            tenant = payer.tenant_id
        elif called is not None and outside:
            tenant = called.payer.tenant_id
        cdr["tenant_id"] = tenant
        return payer

    def at_once(self, code: str, domain: str) -> tuple[Payer | None, int] | None:
        """Payer and tenant where an account code and a domain tell them; None where ``settle``
        must look at more of the call. Whether its number is our own is another question."""
        if not self.rules.order or self.rules.order[0] != ACCOUNT:
            return None
        payer = self.find(code, domain)
        if payer is None and (self.rules.exact or self.rules.networks):
            return None
        return payer, payer.tenant_id if payer else self.tenant_of(code, domain)

    def _quickly(self, cdr: Mapping[str, Any]) -> Decision:
        """Most installations have no rules: nothing is put together to look for one."""
        if self.rules.order and self.rules.order[0] == ACCOUNT:
            payer = self.find(cdr["account"], cdr["domain"])
            if payer is not None or not (self.rules.exact or self.rules.networks):
                return Decision(payer)
        return self.decide(Asked.of(cdr))

    def owner(self, number: str, at_ms: int) -> Owned | None:
        """Whose a number is at an instant."""
        for owned in self.numbers.get(number, ()):
            if owned.valid_from <= at_ms and (owned.valid_till is None or at_ms < owned.valid_till):
                return owned
        return None

    def _find(self, code: str, domain: str) -> Payer | None:
        found = self.accounts.get(code, {})
        mine = found.get(self.tenant_of(code, domain))
        if mine is None and len(found) == 1:
            return next(iter(found.values()))
        return mine


def nobody_pays(cdr: Mapping[Any, Any]) -> bool:
    """Whether a settled call without a payer is free: from outside to a number of ours, and
    without an account code that somebody forgot to set up."""
    return bool(cdr["direction"] == "in" and not cdr["account"])


def _direction(payer: Payer | None, called: Owned | None) -> str:
    if called is None:
        return "out" if payer else ""
    if called.kind == TOLLFREE:
        return TOLLFREE
    return "onnet" if payer else "in"


def load_payers(
    connection: Connection,
    codes: Iterable[str],
    called: Iterable[tuple[str, str]] = (),
) -> Payers:
    """What these account codes, and called numbers (normalised, as dialled), can mean: five
    queries for a whole batch, two more where there are own numbers or technical prefixes."""
    wanted = sorted({code for code in codes if code})
    accounts: dict[str, dict[int, Payer]] = defaultdict(dict)
    for start in range(0, len(wanted), _CHUNK):
        query = select(account.c.code, account.c.id, account.c.tenant_id, account.c.currency).where(
            account.c.code.in_(wanted[start : start + _CHUNK]), account.c.mode != "system"
        )
        for code, account_id, tenant_id, currency in connection.execute(query):
            accounts[code][tenant_id] = Payer(account_id, tenant_id, currency)
    rows = connection.execute(select(tenant_domain.c.domain, tenant_domain.c.tenant_id))
    tenants = {domain: tenant for domain, tenant in rows}
    rules = load_rules(connection)
    plans = _plans(connection) if rules.lengths else {}
    numbers = _numbers(connection, rules, plans.values(), called)
    return Payers(accounts, tenants, rules, numbers, plans)


def load_rules(connection: Connection) -> Rules:
    """The operator's order and rules; an account of another tenant only by a rule of the house."""
    query = select(
        payer_rule.c.id,
        payer_rule.c.way,
        payer_rule.c.pattern,
        payer_rule.c.trunk,
        payer_rule.c.tenant_id.label("owner"),
        account.c.id.label("account_id"),
        account.c.tenant_id,
        account.c.currency,
    ).join(account, account.c.id == payer_rule.c.account_id)
    rules = [
        Rule(
            row.id,
            row.way,
            row.pattern,
            Payer(row.account_id, row.tenant_id, row.currency),
            row.trunk,
        )
        for row in connection.execute(query.where(account.c.mode != "system"))
        if row.owner in (HOUSE, row.tenant_id)
    ]
    return build([way for way, active in load_order(connection) if active], rules)


def load_order(connection: Connection) -> list[tuple[str, bool]]:
    """The ways in the operator's order, and whether each is on."""
    rows = connection.execute(select(payer_way).order_by(payer_way.c.place, payer_way.c.id)).all()
    set_up = [(row.way, bool(row.active)) for row in rows if row.way in WAYS]
    known = {way for way, _ in set_up}
    return set_up + [(way, True) for way in WAYS if way not in known]


def _plans(connection: Connection) -> dict[int, NumberPlan]:
    rows = connection.execute(select(source.c.id, source.c.country, source.c.trunk_prefix))
    return {number: NumberPlan(country, trunk) for number, country, trunk in rows}


def _numbers(
    connection: Connection,
    rules: Rules,
    plans: Iterable[NumberPlan],
    called: Iterable[tuple[str, str]],
) -> dict[str, list[Owned]]:
    """The called ones among our own numbers, with and without technical prefixes."""
    pairs = set(called)
    if not pairs or connection.scalar(select(own_number.c.id).limit(1)) is None:
        return {}
    wanted = {number for number, _ in pairs}
    for plan in set(plans):
        for _, dialled in pairs:
            rule = rules.find(PREFIX, Asked(dialled=dialled))
            if rule is not None:
                wanted.add(to_e164(dialled[len(rule.pattern) :], plan) or "")
    keys = sorted(number for number in wanted if number.isdigit() and len(number) <= 20)
    found: dict[str, list[Owned]] = defaultdict(list)
    for start in range(0, len(keys), _CHUNK):
        query = select(
            own_number, account.c.tenant_id.label("owner"), account.c.currency.label("of")
        )
        query = query.join(account, account.c.id == own_number.c.account_id)
        chunk = keys[start : start + _CHUNK]
        for row in connection.execute(query.where(own_number.c.number.in_(chunk))):
            payer = Payer(row.account_id, row.owner, row.of)
            found[row.number].append(Owned(payer, row.kind, row.valid_from, row.valid_till))
    return found
