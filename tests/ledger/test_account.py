"""Accounts: what is refused, and what two processes may do at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.core.database import Databases, reading, writing
from app.core.errors import Conflict, InvalidInput, NotFound
from app.ledger import account


def test_an_account_is_found_by_its_exact_code(panel_db: Databases) -> None:
    with writing(panel_db.panel) as c:
        made = account.create(
            c, code="Alice@example.org", currency="EUR", mode="postpaid", credit_limit=9
        )
        other = account.create(c, code="alice@example.org", currency="EUR")
        elsewhere = account.create(c, tenant_id=2, code="Alice@example.org", currency="USD")
    assert len({made, other, elsewhere}) == 3
    with reading(panel_db.panel) as c:
        found = account.find(c, 1, "Alice@example.org")
        assert account.find(c, 1, "ALICE@example.org") is None
        with pytest.raises(NotFound):
            account.get(c, 99_999)
    assert found is not None
    assert (found.id, found.available, found.mode) == (made, 9, "postpaid")


def test_a_code_is_taken_once(panel_db: Databases) -> None:
    with writing(panel_db.panel) as c:
        account.create(c, code="a", currency="EUR")
        with pytest.raises(Conflict, match="'a'"):
            account.create(c, code="a", currency="EUR")


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": ""},
        {"code": " a"},
        {"code": "x" * 129},
        {"code": "revenue:EUR"},
        {"currency": "euro"},
        {"currency": "€UR"},
        {"kind": "revenue"},
        {"mode": "system"},
        {"credit_limit": -1},
    ],
)
def test_nonsense_is_refused(panel_db: Databases, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput), reading(panel_db.panel) as c:
        account.create(c, **({"code": "a", "currency": "EUR"} | wrong))


def test_system_accounts_appear_once_even_when_many_make_them(panel_db: Databases) -> None:
    def make(_: int) -> int:
        with writing(panel_db.panel) as c:
            return account.system_account(c, 1, "revenue", "EUR")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(16)))) == 1
