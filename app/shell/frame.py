"""What every page gets: the words, formats, menu, theme and files that its template asks for."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, request
from markupsafe import Markup, escape

from app.core import clock, formats, words
from app.core.context import settings
from app.identity.access import ROLE_WORDS, operator_or_none
from app.shell import assets, locale, navigation, toasts, wire

THEMES = ("auto", "light", "dark")


def init_app(app: Flask) -> None:
    """Sets up the templates and the addresses of style and script."""
    app.register_blueprint(assets.blueprint)
    locale.init_app(app)
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.globals.update(_=_text, ngettext=_texts)
    env.filters.update(
        moment=lambda value, style="full": formats.moment(value, zone(), style, locale.tag()),
        ago=lambda value: formats.ago(value, clock.now_ms()),
        duration=lambda value: formats.duration(value, locale.tag()),
        money=lambda value, currency: formats.amount(value, currency, locale.tag()),
        number=lambda value: formats.number(value, locale.tag()),
        permille=lambda value: formats.permille(value, locale.tag()),
        phone=formats.phone,
    )
    app.context_processor(_page)
    app.after_request(toasts.send)
    wire.init_app(app)


def theme() -> str:
    """The theme that the viewer chose: auto, light or dark."""
    chosen = request.cookies.get("theme", "auto")
    return chosen if chosen in THEMES else "auto"


def zone() -> str:
    """The zone in which times are shown: this page's, else the operator's, else UTC."""
    if "zone" in g:
        return str(g.zone)
    operator = operator_or_none()
    return operator.zone if operator is not None else "UTC"


def show_in(zone: str) -> None:
    """Shows the times of this page on another clock than the operator's own."""
    g.zone = zone


def _text(text: str, **values: Any) -> Markup:
    """A text for a template: markup may stand in its values, never in the text itself."""
    found = escape(words.look_up(text))
    return found % values if values else found


def _texts(one: str, many: str, num: int, **values: Any) -> Markup:
    """The form that fits ``num``, which stands in both as ``%(num)s``."""
    return escape(words.look_up(one, many, num)) % {"num": num, **values}


def _page() -> dict[str, Any]:
    operator = operator_or_none()
    return {
        "operator": operator,
        "role_words": lambda role: ROLE_WORDS.get(role, role),
        "menu": navigation.menu(operator) if operator is not None else [],
        "trail": navigation.trail(operator) if operator is not None else [],
        "lang": locale.language().replace("_", "-"),
        "layer": "dialog" if request.headers.get("X-Layer") == "dialog" else "drawer",
        "toasts": toasts.waiting,
        "theme": theme(),
        "zone": zone(),
        "demo": settings().demo,
        "asset": assets.asset,
        "inside": bool(request.headers.get("HX-Request")),
    }
