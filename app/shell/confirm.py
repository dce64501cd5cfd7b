"""Asking before a deed: a page that names what will happen; a dialog where script runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import render_template, request

# That many names stand on the page; how many more there are is said in a number.
MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What will happen, in words of whoever asks; all texts are ready to be shown.

    ``deed`` stands on the button, ``stay`` on the link that changes nothing, ``back`` is where it
    leads. ``more`` stands below the ``objects``, which are the names of what is
    touched. ``sent`` are further (name, value) that the form carries; ``action`` is where it goes,
    this address when empty.
    """

    title: str
    what: str
    deed: str
    back: str
    danger: bool = False
    stay: str = ""
    more: str = ""
    action: str = ""
    objects: Sequence[str] = ()
    sent: Sequence[tuple[str, str]] = ()

    @property
    def names(self) -> Sequence[str]:
        """The objects that are named."""
        return self.objects[:MOST_NAMES]

    @property
    def unnamed(self) -> int:
        """How many objects are only counted."""
        return max(len(self.objects) - MOST_NAMES, 0)


def confirmation(
    asked: Confirmation, form: Any, template: str = "shell/confirm.html", **values: Any
) -> str:
    """The page that asks; ``form`` is a WTForms form, its ``comment`` is shown where it has one.

    ``template`` may extend ``shell/confirm.html`` and fill its block ``detail``.
    """
    asked = replace(asked, action=asked.action or request.path)
    return render_template(template, asked=asked, form=form, **values)
