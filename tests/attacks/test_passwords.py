"""Passwords as ASVS 5.0 (6.2, 11.4) wants them kept and compared."""

from __future__ import annotations

import re

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from flask import Flask

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.errors import InvalidInput
from app.identity import operators, passwords
from tests.identity.people import make, send_login

PASSWORD = " Three Wörter and a Blank "


def test_a_password_is_compared_as_it_came(dbs: Databases) -> None:
    with writing(dbs.panel) as connection:
        number = operators.create(connection, login="ada", password=PASSWORD, role="admin")
    with reading(dbs.panel) as connection:
        assert operators.verify(connection, "ada", PASSWORD) == number
        for other in (PASSWORD.strip(), PASSWORD.lower(), PASSWORD[:-1], PASSWORD + " "):
            assert operators.verify(connection, "ada", other) is None, other


def test_long_passwords_differ_to_the_last_sign(dbs: Databases) -> None:
    long = "".join(f"{number} " for number in range(100))[: passwords.LONGEST]
    with writing(dbs.panel) as connection:
        operators.create(connection, login="ada", password=long, role="admin")
    with reading(dbs.panel) as connection:
        assert operators.verify(connection, "ada", long) is not None
        assert operators.verify(connection, "ada", long[:-1] + "x") is None
        assert operators.verify(connection, "ada", long + "x") is None


@pytest.mark.parametrize("word", ["opensipscompanion", "administrator"])
def test_words_of_this_product_are_no_passwords(word: str) -> None:
    for password in (word, word.upper(), f"{word}2026", f"!!{word}!!"):
        with pytest.raises(InvalidInput):
            passwords.check(password, "ada")


def test_they_are_hashed_slowly_by_argon2id(dbs: Databases) -> None:
    with writing(dbs.panel) as connection:
        number = operators.create(connection, login="ada", password=PASSWORD, role="admin")
        stored = operators.get(connection, number)["password_hash"]
    found = extract_parameters(stored)
    assert found.type == Type.ID
    # RFC 9106's second choice; far above OWASP's least (19 MiB, 2 passes)
    assert (found.memory_cost, found.time_cost) >= (65_536, 3)
    assert (found.salt_len, found.hash_len) >= (16, 32)
    assert not re.search("Three", stored)
    assert isinstance(operators._hasher, PasswordHasher)


def test_made_passwords_have_more_than_128_bits() -> None:
    made = {operators.generate_password() for _ in range(200)}
    assert len(made) == 200
    letters = {sign for password in made for sign in password} - {"-"}
    bare = {len(password.replace("-", "")) for password in made}
    assert len(letters) == 32 and bare == {30}


def test_a_password_does_not_end_by_its_age(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make(app, "ann")
    later = clock.now_ms() + 20 * 365 * clock.DAY
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    assert send_login(app.test_client(), "ann").location == "/"  # type: ignore[attr-defined]
