"""What ``flask verify`` reports: one finding for each invariant that was checked."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """An invariant (its number in DESIGN and a name), how many were looked at, what was wrong.

    ``violations`` holds a sentence each, at most a hundred: the first ones tell the story.
    """

    invariant: str
    checked: int
    violations: list[str] = field(default_factory=list)


MOST = 100
