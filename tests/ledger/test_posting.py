"""Postings balance, have one effect each, and move balances exactly once."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.core.database import Databases, reading, writing
from app.core.errors import Conflict, InvalidInput
from app.ledger import account, posting, reconcile, tables
from app.ledger.posting import Line


def _clean(dbs: Databases) -> None:
    with reading(dbs.panel) as c:
        findings = list(reconcile.check(c))
    assert len(findings) == 7
    assert [finding for finding in findings if finding.violations] == []


def _pair(dbs: Databases, currency: str = "EUR") -> tuple[int, int]:
    with writing(dbs.panel) as c:
        customer = account.create(c, code=f"alice-{currency}", currency=currency)
        return customer, account.system_account(c, 1, "revenue", currency)


def test_a_posting_moves_both_balances(panel_db: Databases) -> None:
    alice, revenue = _pair(panel_db)
    with writing(panel_db.panel) as c:
        posting.post(
            c,
            tenant_id=1,
            kind="charges",
            reference="batch:1",
            lines=[Line(revenue, 70, "EUR"), Line(alice, -30, "EUR"), Line(alice, -40, "EUR")],
            memo="two calls",
            at=5,
        )
    with reading(panel_db.panel) as c:
        assert account.get(c, alice).balance == -70
        assert account.get(c, revenue).balance == 70
        entries = c.execute(select(tables.entry.c.account_id, tables.entry.c.amount)).all()
        assert sorted(entries) == sorted([(alice, -70), (revenue, 70)])
        assert c.execute(select(tables.posting.c.at, tables.posting.c.memo)).all() == [
            (5, "two calls")
        ]
    _clean(panel_db)


def test_the_same_reference_again_changes_nothing(panel_db: Databases) -> None:
    alice, revenue = _pair(panel_db)
    ids = []
    for amount in (10, 99):
        with writing(panel_db.panel) as c:
            ids.append(
                posting.post(
                    c,
                    tenant_id=1,
                    kind="charges",
                    reference="batch:1",
                    lines=[Line(alice, -amount, "EUR"), Line(revenue, amount, "EUR")],
                )
            )
    assert ids[0] == ids[1]
    with reading(panel_db.panel) as c:
        assert account.get(c, alice).balance == -10
    _clean(panel_db)


def test_a_reference_belongs_to_its_tenant(panel_db: Databases) -> None:
    with writing(panel_db.panel) as c:
        ids = {
            posting.post(c, tenant_id=tenant, kind="adjustment", reference="same", lines=[])
            for tenant in (1, 2)
        }
    assert len(ids) == 2


def test_what_does_not_balance_in_each_currency_is_refused(panel_db: Databases) -> None:
    alice, _ = _pair(panel_db)
    yuko, _ = _pair(panel_db, "JPY")
    with pytest.raises(posting.Unbalanced, match="out of balance"), writing(panel_db.panel) as c:
        posting.post(
            c,
            tenant_id=1,
            kind="transfer",
            reference="t1",
            lines=[Line(alice, -5, "EUR"), Line(yuko, 5, "JPY")],
        )
    with reading(panel_db.panel) as c:
        assert c.scalar(select(func.count()).select_from(tables.posting)) == 0


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([(0, -5, "EUR"), (1, 5, "EUR")], "not in EUR"),
        ([(0, -5, "JPY"), (99_999, 5, "JPY")], "no account number 99999"),
        ([(0, 5, "EUR"), (1, -5, "EUR"), (0, 5, "JPY"), (1, -5, "JPY")], "two currencies"),
    ],
)
def test_lines_must_fit_their_accounts(
    panel_db: Databases, lines: list[tuple[int, int, str]], sentence: str
) -> None:
    pair = _pair(panel_db, "JPY")
    wanted = [Line(pair[who] if who < 2 else who, amount, cur) for who, amount, cur in lines]
    with pytest.raises(InvalidInput, match=sentence), writing(panel_db.panel) as c:
        posting.post(c, tenant_id=1, kind="transfer", reference="x", lines=wanted)
    with reading(panel_db.panel) as c:
        assert c.scalar(select(func.count()).select_from(tables.entry)) == 0


def test_a_large_batch_is_a_handful_of_statements(
    panel_db: Databases, statements: list[str]
) -> None:
    with writing(panel_db.panel) as c:
        revenue = account.system_account(c, 1, "revenue", "EUR")
        who = [account.create(c, code=f"a{n}", currency="EUR") for n in range(1200)]
    statements.clear()
    with writing(panel_db.panel) as c:
        lines = [Line(one, -n - 1, "EUR") for n, one in enumerate(who)]
        lines.append(Line(revenue, sum(range(1, 1201)), "EUR"))
        posting.post(c, tenant_id=1, kind="charges", reference="big", lines=lines)
    assert len(statements) < 15
    with reading(panel_db.panel) as c:
        assert account.get(c, who[-1]).balance == -1200
        assert account.get(c, revenue).balance == 720_600
    _clean(panel_db)


def test_top_up_is_booked_against_cash_once(panel_db: Databases) -> None:
    alice, _ = _pair(panel_db)
    for _ in range(2):
        with writing(panel_db.panel) as c:
            account.top_up(c, alice, 500, "paypal:7", "thank you")
    with reading(panel_db.panel) as c:
        cash = account.find(c, 1, "cash:EUR")
        assert cash is not None
        assert (account.get(c, alice).balance, cash.balance) == (500, -500)
    with pytest.raises(Conflict, match="paypal:7"), writing(panel_db.panel) as c:
        account.top_up(c, alice, 501, "paypal:7")
    with pytest.raises(InvalidInput, match="above zero"), reading(panel_db.panel) as c:
        account.top_up(c, alice, 0, "nothing")
    _clean(panel_db)


def test_reconcile_sees_a_changed_entry_and_a_changed_balance(panel_db: Databases) -> None:
    alice, _ = _pair(panel_db)
    with writing(panel_db.panel) as c:
        account.top_up(c, alice, 500, "r")
        c.execute(
            tables.entry.update().where(tables.entry.c.account_id == alice).values(amount=501)
        )
        c.execute(tables.account.update().where(tables.account.c.id == alice).values(held=3))
    with reading(panel_db.panel) as c:
        found = {finding.invariant: finding for finding in reconcile.check(c)}
    (unbalanced,) = found["3.postings_balance"].violations
    assert unbalanced.endswith("is 1 units of EUR out of balance")
    assert found["3.postings_balance"].checked == 1
    assert "balance of 500, its entries say 501" in found["3.balances_equal_entries"].violations[0]
    assert "has 3 held, its holds say 0" in found["4.held_equals_holds"].violations[0]
