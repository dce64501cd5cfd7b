"""Guessing is slowed down, for all processes alike and at the same moment too."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core.database import Databases, writing
from app.identity import throttle


def _allowed(dbs: Databases, login: str, address: str) -> bool:
    try:
        throttle.attempt(dbs.panel, login, address)
    except throttle.TooManyAttempts:
        return False
    return True


def test_per_login(panel_db: Databases) -> None:
    tries = [_allowed(panel_db, "ann", f"192.0.2.{n}") for n in range(7)]
    assert tries == [True] * 5 + [False] * 2
    assert _allowed(panel_db, "bob", "192.0.2.1")


def test_per_address_and_ipv6_by_customer(panel_db: Databases) -> None:
    tries = [_allowed(panel_db, f"user{n}", f"2001:db8::{n:x}") for n in range(22)]
    assert tries == [True] * 20 + [False] * 2
    assert _allowed(panel_db, "ann", "2001:db8:0:1::1")


def test_success_forgets_the_failures(panel_db: Databases) -> None:
    for _ in range(4):
        throttle.attempt(panel_db.panel, "ann", "192.0.2.1")
    number = throttle.attempt(panel_db.panel, "ann", "192.0.2.1")
    with writing(panel_db.panel) as connection:
        throttle.succeeded(connection, number, "ann")
    assert _allowed(panel_db, "ann", "192.0.2.1")


def test_many_tries_at_the_same_moment_do_not_slip_through(panel_db: Databases) -> None:
    with ThreadPoolExecutor(12) as pool:
        tries = list(pool.map(lambda n: _allowed(panel_db, "ann", f"192.0.2.{n}"), range(24)))
    assert sum(tries) <= throttle.PER_LOGIN


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("local", "local"),
    ],
)
def test_what_counts_as_one_address(address: str, counted: str) -> None:
    assert throttle.network(address) == counted
