"""What has just happened, said once at the foot of the page, with a way back where there is one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import cast

from flask import Response, flash, g, get_flashed_messages, request

_KIND = "toast"


@dataclass(frozen=True, slots=True)
class Toast:
    """A sentence; ``undo`` is an address that takes it back by POST, under ``label``.

    Tones: empty, ``bad``.
    """

    text: str
    tone: str = ""
    undo: str | None = None
    label: str = ""


def toast(text: str, tone: str = "", undo: str | None = None, label: str = "") -> None:
    """Says it on the page that comes next; to htmx it is said with this very answer.

    Machines have no next page: nothing is said to them.
    """
    if request.path.startswith("/api/"):
        return
    said = asdict(Toast(str(text), tone, undo, str(label)))
    if request.headers.get("HX-Request"):
        g.setdefault("toasts", []).append(said)
    else:
        flash(json.dumps(said), _KIND)


def waiting() -> list[Toast]:
    """What is to be said on this page; plain ``flash`` texts count too."""
    found = cast("list[tuple[str, str]]", get_flashed_messages(with_categories=True))
    return [Toast(**json.loads(text)) if kind == _KIND else Toast(text) for kind, text in found]


def send(response: Response) -> Response:
    """Hands the toasts of an htmx request to its page (js/toasts.js)."""
    said = g.get("toasts")
    if said:
        redirected = "HX-Redirect" in response.headers or "HX-Refresh" in response.headers
        if redirected:
            for one in said:
                flash(json.dumps(one), _KIND)
        else:
            event = json.dumps({"companion:toast": {"toasts": said}})
            response.headers["HX-Trigger"] = event
    return response
