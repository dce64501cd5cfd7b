"""Style and script as one file each, made once from many, small on the wire, kept for ever."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, request, url_for
from flask.typing import ResponseReturnValue

from app.identity.access import public

STATIC = Path(__file__).parent.parent / "static"

# In the order in which they act; one line for each new piece.
CSS = (
    "vendor/bootstrap-5.3.9/bootstrap.min.css",
    "css/tokens.css",
    "css/controls.css",
    "css/forms.css",
    "css/frame.css",
    "css/panels.css",
    "css/progress.css",
    "css/tables.css",
    "css/filters.css",
    "css/search.css",
    "css/charts.css",
    "css/design.css",
    "css/api.css",
    "css/my.css",
    "css/overlays.css",
    "css/screens.css",
    "css/print.css",
)
JS = (
    "vendor/htmx-2.0.11/htmx.min.js",
    "js/core.js",
    "js/toasts.js",
    "js/connection.js",
    "js/theme.js",
    "js/unsaved.js",
    "js/drawer.js",
    "js/rows.js",
    "js/scroll.js",
    "js/tables.js",
    "js/search.js",
    "js/keys.js",
    "js/forms.js",
    "js/filters.js",
    "js/charts.js",
    "js/api.js",
)

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Files put together; ``packed`` is the same by gzip, ``digest`` its name for ever."""

    mimetype: str
    plain: bytes
    packed: bytes
    digest: str


def _css(name: str) -> str:
    """A style file without comments, its relative addresses made absolute and lasting."""
    folder = (STATIC / name).parent
    text = re.sub(r"/\*.*?\*/", "", (STATIC / name).read_text(encoding="utf-8"), flags=re.S)

    def absolute(match: re.Match[str]) -> str:
        target = (folder / match[1]).resolve().relative_to(STATIC)
        return f'url("/static/{target}?v={_hash(str(target))}")'

    return re.sub(r'url\("(?!data:|/)([^"]+)"\)', absolute, text)


@cache
def bundle(name: str) -> Bundle:
    """The bundle of that name: ``companion.css`` or ``companion.js``."""
    if name == "companion.css":
        mimetype, text = "text/css", "\n".join(_css(part) for part in CSS)
    else:
        mimetype = "text/javascript"
        # Indents and lines of comment are for those who read the files.
        whole = "\n".join((STATIC / part).read_text(encoding="utf-8") for part in JS)
        text = re.sub(r"^[ \t]+|^[ \t]*//.*\n", "", whole, flags=re.M)
    plain = text.encode()
    packed = gzip.compress(plain, 9, mtime=0)
    return Bundle(mimetype, plain, packed, hashlib.sha256(plain).hexdigest()[:12])


def asset(name: str) -> str:
    """The address of a bundle or of a static file, with its hash: it may be kept for ever."""
    if name in ("companion.css", "companion.js"):
        return url_for("assets.show", digest=bundle(name).digest, name=name)
    return url_for("static", filename=name, v=_hash(name))


@cache
def _hash(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


@blueprint.get("/assets/<digest>/<name>")
@public
def show(digest: str, name: str) -> ResponseReturnValue:
    """A bundle, compressed for whoever reads gzip."""
    if name not in ("companion.css", "companion.js"):
        abort(404)
    found = bundle(name)
    packs = request.accept_encodings["gzip"] > 0
    answer = Response(found.packed if packs else found.plain, mimetype=found.mimetype)
    answer.headers["Vary"] = "Accept-Encoding"
    if packs:
        answer.headers["Content-Encoding"] = "gzip"
    # A page from before a deployment gets what there is now, but not for ever.
    kept = digest == found.digest
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
    return answer
