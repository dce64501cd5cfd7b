"""Who pays for a call: the account that its account code names, in the tenant of its domain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from app.identity.tables import tenant_domain
from app.ledger.tables import account

HOUSE = 1  # the operator's own tenant: whoever has no other


@dataclass(frozen=True, slots=True)
class Payer:
    """An account that calls can be charged to."""

    account_id: int
    tenant_id: int
    currency: str


@dataclass(frozen=True, slots=True)
class Payers:
    """Accounts by code, and tenants by domain, as needed for one batch."""

    accounts: Mapping[str, Mapping[int, Payer]]
    tenants: Mapping[str, int]
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

    def _find(self, code: str, domain: str) -> Payer | None:
        found = self.accounts.get(code, {})
        mine = found.get(self.tenant_of(code, domain))
        if mine is None and len(found) == 1:
            return next(iter(found.values()))
        return mine


def load_payers(connection: Connection, codes: Iterable[str]) -> Payers:
    """The accounts that these codes can mean: two queries for a whole batch."""
    wanted = sorted({code for code in codes if code})
    accounts: dict[str, dict[int, Payer]] = defaultdict(dict)
    for start in range(0, len(wanted), 500):
        query = select(account.c.code, account.c.id, account.c.tenant_id, account.c.currency).where(
            account.c.code.in_(wanted[start : start + 500]), account.c.mode != "system"
        )
        for code, account_id, tenant_id, currency in connection.execute(query):
            accounts[code][tenant_id] = Payer(account_id, tenant_id, currency)
    rows = connection.execute(select(tenant_domain.c.domain, tenant_domain.c.tenant_id))
    return Payers(accounts, {domain: tenant for domain, tenant in rows})
