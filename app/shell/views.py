"""Choices on lists that are kept."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.core.words import _
from app.identity.access import requires
from app.shell import preferences
from app.shell.listing import DENSITIES, LISTINGS
from app.shell.zones import zones as all_zones

blueprint = Blueprint("shell", __name__)


@blueprint.post("/preferences/list/<name>")
@requires("self.write")
def keep_list(name: str) -> ResponseReturnValue:
    """Which columns a list shows and how dense lists are; ``reset`` goes back to the default."""
    listing = LISTINGS.get(name)
    if listing is None:
        raise NotFound(_("There is no such list."), _("Load the page again."))
    if "reset" in request.form:
        preferences.put(f"list.{name}", None)
        flash(_("The list shows its usual columns again."))
    else:
        chosen = listing.shown(request.form.getlist("columns"))
        usual = chosen == listing.shown(None)
        preferences.put(f"list.{name}", None if usual else {"columns": list(chosen)})
    density = request.form.get("density")
    if density in DENSITIES:
        preferences.put("density", None if density == DENSITIES[0] else density)
    return redirect(_local(request.form.get("next", "")), 303)


@blueprint.get("/zones")
@requires("home.read")
def zones() -> ResponseReturnValue:
    """The names of all time zones as options of a field, fetched when the field is used."""
    options = "".join(f'<option value="{name}">' for name in all_zones())
    return options, {"Cache-Control": "private, max-age=86400"}


def _local(address: str) -> str:
    """An address of this panel, whatever was sent."""
    parts = urlsplit(address)
    safe = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if safe and not parts.netloc and not parts.scheme else "/"
