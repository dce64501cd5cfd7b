"""The page of the search, and what the bar suggests while one types."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.identity.access import current_operator, requires
from app.shell.search import Found, clean, providers, search

blueprint = Blueprint("search", __name__)

# Hits of each kind: on the page, and in the bar.
ON_PAGE = 20
IN_BAR = 4
SHORTEST = 2


@blueprint.get("/search")
@requires("home.read")
def index() -> ResponseReturnValue:
    """What was found, by kind; one exact hit is gone to at once, unless ``all`` is wanted."""
    operator = current_operator()
    text = clean(request.args.get("q", ""))
    found = search(text, operator, ON_PAGE) if text else Found("", [], [])
    if found.only is not None and "all" not in request.args:
        return redirect(found.only.url, 303)
    kinds = [(one.kind, one.example) for one in providers(operator) if one.example]
    return render_template("shell/search.html", found=found, kinds=kinds)


@blueprint.get("/search/suggest")
@requires("home.read")
def suggest() -> ResponseReturnValue:
    """The options under the search box; a browser that comes here gets the page."""
    text = clean(request.args.get("q", ""))
    if not request.headers.get("HX-Request"):
        return redirect(url_for("search.index", q=text))
    if len(text) < SHORTEST:
        return "", 204
    found = search(text, current_operator(), IN_BAR)
    return render_template("shell/suggest.html", found=found)
