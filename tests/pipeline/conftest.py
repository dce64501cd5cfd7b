"""These tests' windows are small: their calls of one row go the way of large windows all the same,
since rows of any shape lie among them."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _every_window_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.windows.SMALL", 1)
