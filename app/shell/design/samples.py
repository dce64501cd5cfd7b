"""What the pieces show on the page /design: values that are made up and always the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.words import _, _l
from app.shell import colours

# The pieces in the order of the page: name of the template and of the anchor, and the heading.
SECTIONS = (
    ("tokens", _l("Colours, type, spacing")),
    ("buttons", _l("Buttons")),
    ("badges", _l("Badges and tags")),
    ("icons", _l("Icons")),
    ("notices", _l("Notices")),
    ("empty", _l("Empty states")),
    ("forms", _l("Forms")),
    ("filters", _l("Filter bar")),
    ("tables", _l("Data table")),
    ("overlays", _l("Drawer and dialog")),
    ("confirm", _l("Confirmation")),
    ("toasts", _l("Toasts")),
    ("progress", _l("Progress")),
    ("diff", _l("Diff")),
    ("formats", _l("Formats")),
    ("charts", _l("Charts")),
    ("keyboard", _l("Keyboard")),
)


@dataclass(frozen=True, slots=True)
class Colour:
    """A token in both themes, with its contrast to the surface."""

    name: str
    light: str
    dark: str
    light_ratio: float
    dark_ratio: float


@dataclass(frozen=True, slots=True)
class Bar:
    """What pieces/progress.html draws."""

    id: str
    title: object
    state: str
    tone: tuple[object, str]
    done: int = 0
    total: int = 0
    left_ms: int | None = None

    @property
    def percent(self) -> int | None:
        """0 to 100, None while the size is not known."""
        return self.done * 100 // self.total if self.total else None


BARS = (
    Bar("known", _l("Size known"), "running", (_l("running"), "info"), 6_200, 15_000, 95_000),
    Bar("unknown", _l("Size not known"), "running", (_l("running"), "info"), 812),
    Bar("waiting", _l("Waits for a worker"), "waiting", (_l("waiting"), "quiet"), 0, 15_000),
    Bar("paused", _l("Paused"), "paused", (_l("paused"), "warn"), 6_200, 15_000),
    Bar("done", _l("Done"), "done", (_l("done"), "ok"), 15_000, 15_000),
    Bar("failed", _l("Failed"), "failed", (_l("failed"), "bad"), 9_000, 15_000),
    Bar("cancelled", _l("Cancelled"), "cancelled", (_l("cancelled"), "quiet"), 4_500, 15_000),
)

BEFORE = {"prefix": "0044", "priority": 10, "gateway": "gw-1", "comment": "", "strip": None}
AFTER = {"prefix": "0044", "priority": 20, "gateway": "gw-2", "comment": "", "strip": 2}


def palette(names: Sequence[str]) -> list[Colour]:
    """The tokens of these names."""
    light, dark = colours.tokens("light"), colours.tokens("dark")
    return [
        Colour(
            name,
            light[name],
            dark[name],
            colours.contrast(light[name], light["surface"]),
            colours.contrast(dark[name], dark["surface"]),
        )
        for name in names
    ]


def sights(theme: str) -> list[tuple[str, list[str]]]:
    """The six colours of charts as they are, and as other eyes see them."""
    found = colours.tokens(theme)
    own = [found[f"chart-{number}"] for number in range(1, 7)]
    names = {
        "deuteranopia": _("without green cones"),
        "protanopia": _("without red cones"),
        "tritanopia": _("without blue cones"),
    }
    return [
        (_("as they are"), own),
        *((names[sight], [colours.seen(one, sight) for one in own]) for sight in colours.SIGHTS),
    ]
