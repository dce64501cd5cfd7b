"""The colours of the style sheets as figures: contrast, and how they look to other eyes. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache

from app.shell.assets import STATIC

Light = tuple[float, float, float]  # red, green, blue: linear, 0 … 1

SIGHTS = ("deuteranopia", "protanopia", "tritanopia")
# Machado, Oliveira and Fernandes 2009, severity 1, on linear light.
_SEEN_AS: Mapping[str, tuple[Light, Light, Light]] = {
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


@cache
def tokens(theme: str) -> Mapping[str, str]:
    """The colours of a theme (``light``, ``dark``) by their names in the style sheets."""
    found: dict[str, str] = {}
    for file in ("css/tokens.css", "css/charts.css"):
        text = (STATIC / file).read_text(encoding="utf-8")
        for name, *pair in re.findall(
            r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", text
        ):
            found[name] = pair[theme == "dark"]
    return found


def light(colour: str) -> Light:
    """The linear light of ``#rrggbb``."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """WCAG's ratio of two colours, 1 to 21."""
    low, high = sorted(_luminance(light(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def seen(colour: str, sight: str) -> str:
    """The colour as somebody with that sight sees it."""
    parts = _through(light(colour), sight)
    return "#" + "".join(f"{round(255 * _encoded(part)):02x}" for part in parts)


def distance(one: str, other: str, sight: str = "") -> float:
    """How far apart two colours look, in Oklab: 0 the same, 1 black and white."""
    places = []
    for colour in (one, other):
        shine = light(colour)
        places.append(_oklab(_through(shine, sight) if sight else shine))
    return math.dist(*places)


def _luminance(shine: Light) -> float:
    return 0.2126 * shine[0] + 0.7152 * shine[1] + 0.0722 * shine[2]


def _through(shine: Light, sight: str) -> Light:
    red, green, blue = (
        min(max(sum(k * part for k, part in zip(row, shine, strict=True)), 0.0), 1.0)
        for row in _SEEN_AS[sight]
    )
    return red, green, blue


def _encoded(part: float) -> float:
    return part * 12.92 if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055


def _oklab(shine: Light) -> Light:
    red, green, blue = shine
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )
