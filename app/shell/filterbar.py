"""What a list can be narrowed by: declared once, read from an address, shown as fields and chips.

    CALLS = FilterBar(
        TimeRange(default="24h"),
        Text("caller", _l("Caller"), search=True),
        Choice("status", _l("Status"), (("answered", _l("Answered")),), rare=True),
        label=_l("Calls"),
    )
    bar = CALLS.read(request.args, zone=current_operator().zone)
    if not bar.problems: … bar["caller"], bar.range.since …
    {{ filter_bar(bar) }}

Pure: knows no request. What cannot be understood stays in its field, with a sentence beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core import clock
from app.core.errors import InvalidInput
from app.core.words import _, _n
from app.shell import timerange
from app.shell.timerange import Range

Label = Any  # str, or a text that is looked up when it is shown


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text. ``clean`` makes of it what is asked for; its InvalidInput is shown.

    ``search`` is the one field that also narrow pages show in the bar; ``rare`` ones wait behind
    "Add a filter". ``most`` counts characters.
    """

    name: str
    label: Label
    most: int = 128
    search: bool = False
    rare: bool = False
    wide: bool = False
    help: Label = ""
    clean: Callable[[str], str] | None = None
    kind: str = "text"

    def read(self, text: str) -> str:
        """The value; InvalidInput says what is wrong."""
        if len(text) > self.most:
            raise InvalidInput(
                _n("At most %(num)s character.", "At most %(num)s characters.", self.most)
            )
        return self.clean(text) if self.clean is not None else text

    def shown(self, text: str) -> Label:
        """What a chip says."""
        return text


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values; ``choices`` are (value, label), ``none`` is the label of no choice."""

    name: str
    label: Label
    choices: Sequence[tuple[str, Label]]
    none: Label = ""
    rare: bool = False
    help: Label = ""
    search: bool = False
    wide: bool = False
    kind: str = "choice"

    def read(self, text: str) -> str:
        """The value; InvalidInput for one that is not offered."""
        if not any(value == text for value, _label in self.choices):
            raise InvalidInput(
                _("“%(typed)s” is no choice here.", typed=text[:40]), _("Choose one of the list.")
            )
        return text

    def shown(self, text: str) -> Label:
        """The words of a value."""
        return dict(self.choices).get(text, text)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A range of time in the arguments ``range``, ``since``, ``until`` and ``zone``."""

    default: str = "24h"
    label: Label = ""


Field = Text | Choice


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter that can be taken away."""

    name: str
    label: Label
    text: Label


class FilterBar:
    """The declaration; ``label`` names what is filtered, ``keep`` arguments of others (sort)."""

    def __init__(
        self, *fields: Field | TimeRange, label: Label = "", keep: Sequence[str] = ("sort",)
    ) -> None:
        self.time = next((one for one in fields if isinstance(one, TimeRange)), None)
        self.fields = tuple(one for one in fields if not isinstance(one, TimeRange))
        self.label = label
        self.keep = tuple(keep)

    @property
    def names(self) -> tuple[str, ...]:
        """The arguments that are its own."""
        return (*(timerange.NAMES if self.time else ()), *(one.name for one in self.fields))

    def read(self, given: Mapping[str, str], zone: str = "UTC", now: int | None = None) -> Filled:
        """What an address asks for; ``zone`` is the viewer's, ``now`` in UTC milliseconds."""
        raw = {
            name: given[name].strip()
            for name in (*self.names, *self.keep)
            if name in given and given[name].strip()
        }
        filled = Filled(self, raw, zone, untidy=any(given.get(name) == "" for name in self.names))
        for one in self.fields:
            if one.name in raw:
                try:
                    filled.values[one.name] = one.read(raw[one.name])
                except InvalidInput as error:
                    filled.problems[one.name] = str(error)
        if self.time is not None:
            try:
                filled.range = timerange.read(
                    raw, self.time.default, zone, clock.now_ms() if now is None else now
                )
            except InvalidInput as error:
                filled.problems[error.field or "range"] = str(error)
        if not filled.problems:
            filled.untidy |= any(
                name in raw and name not in filled.arguments() for name in timerange.NAMES
            )
        return filled


@dataclass
class Filled:
    """A bar as an address fills it: what the macros of pieces/filters.html draw.

    ``values`` are understood; ``raw`` is what stood there; ``problems`` says by field what is
    wrong. ``untidy``: the address says the same more shortly (``arguments``).
    """

    bar: FilterBar
    raw: dict[str, str]
    own_zone: str
    values: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    range: Range | None = None
    untidy: bool = False

    def __getitem__(self, name: str) -> str | None:
        """The value of a field, None when it is not asked for."""
        return self.values.get(name)

    @property
    def zone(self) -> str:
        """The clock of the range, and of the times beside it."""
        return self.range.zone if self.range is not None else self.own_zone

    @property
    def custom(self) -> bool:
        """Whether the range is given by its ends."""
        return bool(self.raw.get("since") or self.raw.get("until"))

    @property
    def live(self) -> bool:
        """Whether what happens now belongs to the list."""
        return not self.problems and (self.range is None or self.range.until is None)

    @property
    def active(self) -> bool:
        """Whether any field narrows the list, the range aside."""
        return any(one.name in self.raw for one in self.bar.fields)

    def chips(self) -> list[Chip]:
        """The active filters but for the range."""
        return [
            Chip(one.name, one.label, one.shown(self.raw[one.name]))
            for one in self.bar.fields
            if one.name in self.raw
        ]

    def label_of(self, name: str) -> Label:
        """The label of a field, or what another part of the address is called."""
        parts = {
            "range": _("Range"),
            "since": _("From"),
            "until": _("Till"),
            "zone": _("Time zone"),
            "sort": _("Order"),
        }
        labels = {one.name: one.label for one in self.bar.fields}
        return labels.get(name) or parts.get(name) or _("Page")

    @property
    def range_problems(self) -> bool:
        """Whether any part of the range is wrong."""
        return any(name in self.problems for name in timerange.NAMES)

    def arguments(self, without: str | None = None, **changed: str) -> dict[str, str]:
        """What an address needs to ask for the same, with changes: nothing empty, no defaults.

        Given ends always carry their zone: the address means the same to whoever opens it.
        """
        kept = {name: text for name, text in self.raw.items() if name != without}
        time = self.bar.time
        if time is not None and self.custom:
            kept.pop("range", None)
            kept["zone"] = self.zone if "zone" not in self.problems else kept.get("zone", "")
        elif time is not None:
            if kept.get("range") == time.default:
                del kept["range"]
            if "zone" in kept and "zone" not in self.problems:
                kept["zone"] = self.zone
                if self.zone == self.own_zone:
                    del kept["zone"]
        return kept | changed

    def cleared(self) -> dict[str, str]:
        """The arguments without any field, the range as it is."""
        names = [one.name for one in self.bar.fields]
        return {name: text for name, text in self.arguments().items() if name not in names}

    def preset(self, name: str) -> dict[str, str]:
        """The arguments with another range; the zone stays."""
        kept = {key: text for key, text in self.arguments().items() if key not in timerange.NAMES}
        if self.bar.time is not None and name != self.bar.time.default:
            kept["range"] = name
        if self.zone != self.own_zone:
            kept["zone"] = self.zone
        return kept

    def on_clock(self, zone: str) -> dict[str, str]:
        """The arguments for the same range on another clock."""
        kept = self.arguments()
        kept.pop("zone", None)
        if self.range is not None:
            kept |= self.range.walls(zone)
        return kept if zone == self.own_zone and not self.custom else kept | {"zone": zone}

    def presets(self) -> list[tuple[timerange.Preset, bool]]:
        """The ranges by name, and which of them it is."""
        here = self.range.name if self.range is not None else None
        return [(preset, preset.name == here) for preset in timerange.PRESETS]
