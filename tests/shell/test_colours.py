"""The palette: readable in both themes, and apart for eyes that lack a colour."""

from __future__ import annotations

from itertools import combinations

import pytest

from app.shell import colours

THEMES = ("light", "dark")
SERIES = [f"chart-{number}" for number in range(1, 7)]


def test_contrast_and_sights_are_figured_as_published() -> None:
    assert colours.contrast("#ffffff", "#000000") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert colours.distance("#000000", "#ffffff") == pytest.approx(1, abs=0.001)
    # Red and green of the same lightness fall together without green cones, not without blue ones.
    assert colours.distance("#c86400", "#7d8c00", "deuteranopia") < 0.07
    assert colours.distance("#c86400", "#7d8c00", "tritanopia") > 0.15
    assert colours.seen("#808080", "protanopia") == "#808080"


@pytest.mark.parametrize("theme", THEMES)
def test_the_series_stand_out_from_the_surface(theme: str) -> None:
    found = colours.tokens(theme)
    for name in SERIES:
        for ground in ("surface", "surface-2", "bg"):
            assert colours.contrast(found[name], found[ground]) >= 3, (name, ground)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", ["", *colours.SIGHTS])
def test_the_series_stay_apart_for_every_sight(theme: str, sight: str) -> None:
    found = colours.tokens(theme)
    for one, other in combinations(SERIES, 2):
        assert colours.distance(found[one], found[other], sight) >= 0.1, (one, other)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", ["", *colours.SIGHTS])
def test_the_shades_rise_evenly_for_every_sight(theme: str, sight: str) -> None:
    found = colours.tokens(theme)
    shades = [found[f"shade-{step}"] for step in range(7)]
    for one, other in zip(shades, shades[1:], strict=False):
        assert colours.distance(one, other, sight) >= 0.05


@pytest.mark.parametrize("theme", THEMES)
def test_figures_in_the_cells_can_be_read(theme: str) -> None:
    found = colours.tokens(theme)
    for step in range(7):
        ink = found["on-shade-low" if step < 4 else "on-shade-high"]
        assert colours.contrast(ink, found[f"shade-{step}"]) >= 4.5, step


@pytest.mark.parametrize("theme", THEMES)
def test_words_can_be_read_wherever_they_stand(theme: str) -> None:
    found = colours.tokens(theme)
    for ink in ("text", "muted", "faint", "accent", "accent-strong"):
        for ground in ("bg", "surface", "surface-2", "hover"):
            assert colours.contrast(found[ink], found[ground]) >= 4.5, (ink, ground)
    for tone in ("ok", "warn", "bad", "info"):
        for ground in ("surface", f"{tone}-soft"):
            assert colours.contrast(found[tone], found[ground]) >= 4.5, (tone, ground)
    assert colours.contrast(found["on-accent"], found["accent"]) >= 4.5
