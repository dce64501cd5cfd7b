"""Giving a subscriber a page of his own (``app.portal``), and taking it away; both are noted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for

from app.core.context import databases
from app.core.database import writing
from app.identity import audit
from app.portal import people
from app.subscribers.store import address_of


def give(row: Mapping[str, Any]) -> str:
    """A link by which the subscriber chooses a password; it is nowhere else."""
    address = address_of(row)
    with writing(databases().panel) as connection:
        token = people.invite(connection, address)
        audit.record(connection, action="portal.invite", object=f"subscriber:{address}")
    return url_for("my.begin", token=token, _external=True)


def take(row: Mapping[str, Any]) -> None:
    """The subscriber's sessions there end."""
    address = address_of(row)
    with writing(databases().panel) as connection:
        if people.remove(connection, address):
            audit.record(connection, action="portal.remove", object=f"subscriber:{address}")
