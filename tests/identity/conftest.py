"""A cheap password hash: the tests sign in some hundred times."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from app.identity import operators


@pytest.fixture(autouse=True)
def cheap_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        operators, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    )
    operators._nobodys_hash.cache_clear()
