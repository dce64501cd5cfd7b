"""What the panel must know of an OpenSIPS table to edit it, push it and prove it: said once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection

from app.core.words import _
from app.opensips.mi import NodeFacts
from app.opensips.mi_names import Command
from app.provisioning.changeset import Edit
from app.provisioning.tools.words import Words

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column as people edit it. ``limit``: characters of a text, largest value of a number.

    In lists: ``room`` is the width from which it shows (medium, wide, widest; "chosen": only when
    asked for), ``search`` lets the search box look into it, ``filter`` offers its values.
    """

    name: str
    label: Any
    kind: str  # whole, text, choice or flag
    help: Any = ""
    limit: int = 255
    least: int = 0
    required: bool = False
    default: Any = None
    choices: tuple[tuple[int, Any], ...] = ()
    room: str = ""
    search: bool = False
    filter: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """What a node showed of a change.

    ``level``: equal, sampled, reloaded or unknown (DESIGN, invariant 6). ``problem`` is empty
    unless the node differs from the table; then nothing is proven, whatever the level.
    """

    level: str
    problem: str = ""
    note: str = ""
    probes: tuple[dict[str, Any], ...] = ()

    def evidence(self) -> dict[str, Any]:
        """What is kept of it."""
        return {"note": self.note, "probes": list(self.probes)}


class OutOfTime(Exception):
    """The time that a node gets in one go is spent; the rest is asked next time."""


class Ask(Protocol):
    """Sends a command to one node under its spelling, inside the time that is left."""

    @property
    def facts(self) -> NodeFacts:
        """What the node is and offers."""

    def __call__(self, command: Command, params: Mapping[str, Any] | None = None) -> Any:
        """The command's result; raises MiError, or OutOfTime before it is sent."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One OpenSIPS table: its columns, its checks, its reload, its proof.

    ``validate`` takes the editable values and returns a sentence for each bad column.
    ``skips`` says why the switch leaves a row out when it loads the table, None when it does not.
    ``prove`` takes a connection to OpenSIPS's database, the node and the edits by change set,
    right after a reload; it answers for as many change sets as the time allows, at least for one
    or by raising. ``order`` is how lists are sorted, the key comes last by itself. ``permission``
    is the first half of "name.read" and "name.write", the tool's name when empty.
    """

    name: str
    table: str
    title: Any
    columns: tuple[Column, ...]
    reload: Command
    describe: Callable[[Mapping[str, Any]], str]
    validate: Callable[[Mapping[str, Any]], dict[str, str]]
    skips: Callable[[Mapping[str, Any]], str | None]
    prove: Callable[[Connection, Ask, Mapping[int, Sequence[Edit]]], dict[int, Proof]]
    # only where the module is configured with partitions other than "default"
    partition: str = ""
    key: str = "id"
    help: Any = ""
    order: tuple[str, ...] = ()
    permission: str = ""
    words: Words = Words()
    names: Mapping[str, Column] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", {column.name: column for column in self.columns})

    @property
    def read(self) -> str:
        """The permission to look at rows."""
        return f"{self.permission or self.name}.read"

    @property
    def write(self) -> str:
        """The permission to change rows."""
        return f"{self.permission or self.name}.write"

    def reload_params(self) -> dict[str, str]:
        """Parameters of the reload: none unless a partition is configured."""
        return {"partition": self.partition} if self.partition else {}


def limits(tool_columns: Sequence[Column], values: Mapping[str, Any]) -> dict[str, str]:
    """A sentence for each value that its column cannot take."""
    problems = {}
    for column in tool_columns:
        problem = _limit(column, values.get(column.name))
        if problem:
            problems[column.name] = problem
    return problems


def _limit(column: Column, value: Any) -> str | None:
    if value in (None, ""):
        return _("%(label)s is needed.", label=column.label) if column.required else None
    if column.kind == "text":
        return _text_problem(column, str(value))
    if not isinstance(value, int) or isinstance(value, bool):
        return _("%(label)s takes a whole number.", label=column.label)
    if column.kind in ("choice", "flag"):
        allowed = dict(column.choices) if column.choices else {0: "", 1: ""}
        if value in allowed:
            return None
        return _("%(label)s: choose one of the values offered.", label=column.label)
    if not column.least <= value <= column.limit:
        return _(
            "%(label)s takes a whole number from %(least)s to %(most)s.",
            label=column.label,
            least=column.least,
            most=column.limit,
        )
    return None


def _text_problem(column: Column, text: str) -> str | None:
    size = len(text.encode())
    if size > column.limit:
        return _(
            "%(label)s has %(size)s characters; OpenSIPS's table takes %(limit)s"
            " (it would cut the rest off).",
            label=column.label,
            size=size,
            limit=column.limit,
        )
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        return _(
            "%(label)s contains a line break or another control character.", label=column.label
        )
    if text != text.strip():
        return _("%(label)s begins or ends with a blank, which databases drop.", label=column.label)
    return None
