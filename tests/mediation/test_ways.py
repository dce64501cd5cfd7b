"""Who pays: looked up in the operator's order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.numbering import NumberPlan
from app.mediation.payer import Owned, Payer, Payers
from app.mediation.ways import WAYS, Asked, Rule, build

CODE, SUB, DOM, NET, HOST, SIX, TECH, LONG = (Payer(n, 1, "EUR") for n in range(1, 9))
RULES = [
    Rule(1, "subscriber", "alice@x.example", SUB),
    Rule(2, "domain", "x.example", DOM),
    Rule(3, "address", "192.0.2.0/24", NET, "office"),
    Rule(4, "address", "192.0.2.7/32", HOST),
    Rule(5, "address", "2001:db8::/32", SIX),
    Rule(6, "prefix", "99", TECH),
    Rule(7, "prefix", "9901#", LONG, "pbx"),
]
PAYERS = Payers({"code": {1: CODE}}, {}, build(WAYS, RULES), plans={1: NumberPlan("49", "0")})


@pytest.mark.parametrize(
    ("asked", "payer"),
    [
        (Asked("code", "x.example", "alice", "192.0.2.7", "9901#1"), CODE),
        (Asked("other", "X.example", "alice"), SUB),
        (Asked("", "x.example", "bob", "192.0.2.7"), DOM),
        (Asked(src_ip="192.0.2.7"), HOST),
        (Asked(src_ip="192.0.2.8"), NET),
        (Asked(src_ip="::ffff:192.0.2.8"), NET),
        (Asked(src_ip="2001:db8::5"), SIX),
        (Asked(src_ip="[2001:db8::5]"), SIX),
        (Asked(src_ip="192.0.3.8", dialled="99123"), TECH),
        (Asked(src_ip="nonsense", dialled="9901#030123"), LONG),
        (Asked(dialled="99"), None),
        (Asked(), None),
    ],
)
def test_the_first_way_that_names_somebody(asked: Asked, payer: Payer | None) -> None:
    assert PAYERS.decide(asked).payer == payer


def test_the_order_is_the_operators() -> None:
    asked = Asked("code", "x.example", "alice", "192.0.2.7", "9901#1")
    turned = replace(PAYERS, rules=build(("prefix", "address"), RULES))
    assert turned.decide(asked).payer == LONG
    decision = turned.decide(asked._replace(dialled="1"))
    assert decision.payer == HOST and decision.tried == ("prefix",)
    assert turned.decide(Asked("code")).payer is None  # switched off


def test_a_prefix_is_no_part_of_the_number() -> None:
    cdr = {"account": "", "domain": "", "caller": "", "src_ip": "", "dialled": "9901#030123"}
    cdr |= {"callee": "9901#030123", "trunk": "", "direction": ""}
    row = {**cdr, "source_id": 1, "setup_at": 5, "tenant_id": 1}
    assert PAYERS.settle(row) == LONG
    assert (row["callee"], row["trunk"], row["direction"]) == ("4930123", "pbx", "out")
    again = dict(row)
    assert PAYERS.settle(again) == LONG and again == row


@pytest.mark.parametrize(
    ("account", "kind", "at", "payer", "direction", "tenant"),
    [
        ("code", "geographic", 10, CODE, "onnet", 1),
        ("", "geographic", 10, None, "in", 2),
        ("", "tollfree", 10, Payer(20, 2, "EUR"), "tollfree", 2),
        ("code", "tollfree", 10, CODE, "tollfree", 1),  # of another tenant
        ("unknown", "geographic", 10, None, "in", 1),
        ("code", "tollfree", 9, CODE, "out", 1),
        ("code", "tollfree", 20, CODE, "out", 1),
        ("", "geographic", 20, None, "", 1),
    ],
)
def test_directions(
    account: str, kind: str, at: int, payer: Payer | None, direction: str, tenant: int
) -> None:
    owned = Owned(Payer(20, 2, "EUR"), kind, 10, 20)
    payers = replace(PAYERS, numbers={"4930123": [owned]})
    row = {"account": account, "domain": "", "caller": "", "src_ip": "", "dialled": "030123"}
    row |= {"callee": "4930123", "trunk": "", "direction": ""}
    cdr = {**row, "source_id": 1, "setup_at": at, "tenant_id": 1}
    assert payers.settle(cdr) == payer
    assert (cdr["direction"], cdr["tenant_id"]) == (direction, tenant)
