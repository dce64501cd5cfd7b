"""Sealed secrets: readable with the key and the purpose, by nothing else."""

from __future__ import annotations

import pytest

from app.core.sealing import Unreadable, seal, unseal

KEY = "a key of at least thirty-two characters"


def test_a_sealed_text_comes_back_and_does_not_show() -> None:
    sealed = seal(KEY, "mail", "pässword")
    assert "ssword" not in sealed
    assert unseal(KEY, "mail", sealed) == "pässword"
    assert seal(KEY, "mail", "pässword") != sealed


@pytest.mark.parametrize(("key", "purpose"), [(KEY + "!", "mail"), (KEY, "totp")])
def test_another_key_or_purpose_opens_nothing(key: str, purpose: str) -> None:
    with pytest.raises(Unreadable, match="PANEL_SECRET_KEY"):
        unseal(key, purpose, seal(KEY, "mail", "text"))


def test_a_changed_text_opens_nothing() -> None:
    sealed = seal(KEY, "mail", "text")
    with pytest.raises(Unreadable):
        unseal(KEY, "mail", sealed[:-6] + "AAAAA=")
