"""Is this expression fit for the switch? Compiled as PCRE, tried with texts that would hurt it.

Answers within a second, whatever the pattern is (``app.opensips.sandbox``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.core.words import _
from app.opensips.sandbox import check_patterns


@dataclass(frozen=True, slots=True)
class Verdict:
    """``problem`` is one sentence for the field, None for a good pattern; ``groups`` it has."""

    problem: str | None
    groups: int = 0


def check(patterns: Sequence[str], *, ignore_case: bool = False) -> list[Verdict]:
    """A verdict for each pattern, all within one second; an empty pattern is not looked at.

    When one takes all the time it is refused; those after it pass until they are asked again.
    """
    asked = [pattern for pattern in patterns if pattern]
    if not asked:
        return [Verdict(None) for _ in patterns]
    answers = check_patterns([(pattern, ignore_case) for pattern in asked])
    verdicts = [_verdict(*pair) for pair in zip(asked, answers, strict=False)]
    verdicts += [_untried()] if len(verdicts) < len(asked) else []
    verdicts += [Verdict(None)] * (len(asked) - len(verdicts))
    found = iter(verdicts)
    return [next(found) if pattern else Verdict(None) for pattern in patterns]


def _untried() -> Verdict:
    return Verdict(
        _(
            "This could not be tried within a second, so calls would wait for it too."
            " Make it simpler; or save again, if this machine is just busy."
        )
    )


def _verdict(pattern: str, answer: dict[str, Any]) -> Verdict:
    if "refused" in answer:
        position = int(answer["position"])
        near = pattern.encode()[max(position - 8, 0) : position + 1].decode("utf-8", "replace")
        if not position:
            return Verdict(_("This does not compile: %(why)s.", why=answer["refused"]))
        return Verdict(
            _(
                "This does not compile at character %(position)s, after “%(near)s”: %(why)s.",
                position=position,
                near=near,
                why=answer["refused"],
            )
        )
    if "slow" in answer:
        text = answer["slow"]
        shown = text if len(text) <= 24 else f"{text[:20]}…{text[-3:]}"
        return Verdict(
            _(
                "This can take for ever: “%(shown)s” (%(size)s characters) makes it try"
                " millions of ways, and calls would wait. Avoid a repeat inside a repeat.",
                shown=shown.strip(),
                size=len(text),
            )
        )
    return Verdict(None, int(answer["groups"]))
