"""Slows down who guesses passwords; the tries are in the database, for all processes alike."""

from __future__ import annotations

import hashlib
import ipaddress

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select

from app.core import clock
from app.core.database import inserted_id, reading, writing
from app.core.errors import CompanionError
from app.core.words import _, _n
from app.identity.tables import login_attempt

WINDOW_MS = 15 * clock.MINUTE
PER_LOGIN = 5
PER_ADDRESS = 20


class TooManyAttempts(CompanionError):
    """Too many failed sign-ins of late."""

    code = "too_many_attempts"
    status = 429


def attempt(engine: Engine, login: str, address: str, kind: str = "password") -> int:
    """Notes a try before the password is looked at; returns its number for ``succeeded``.

    Tries of each ``kind`` (password, code, confirm) count apart: a stranger, who can use up the
    tries at the door, takes none from who stands behind it.

    Raises TooManyAttempts; refused tries are not kept, so waiting helps. Each try is committed
    before the tries are counted: of many at the same moment no more than allowed get through.
    """
    now = clock.now_ms()
    where = network(address)
    key = _key(kind, login)
    row = {"tenant_id": 1, "login": key, "address": where, "at": now}
    with writing(engine) as connection:
        connection.execute(delete(login_attempt).where(login_attempt.c.at <= now - WINDOW_MS))
        number = inserted_id(connection.execute(login_attempt.insert(), row))
    with reading(engine) as connection:
        wait = max(
            _wait(connection, login_attempt.c.login == key, PER_LOGIN, now),
            _wait(connection, login_attempt.c.address == where, PER_ADDRESS, now),
        )
    if not wait:
        return number
    with writing(engine) as connection:
        connection.execute(delete(login_attempt).where(login_attempt.c.id == number))
    raise TooManyAttempts(
        _("Too many failed sign-ins."),
        _n(
            "Wait %(num)s minute, then try again.",
            "Wait %(num)s minutes, then try again.",
            wait,
        ),
    )


def succeeded(connection: Connection, number: int, login: str, kind: str = "password") -> None:
    """Forgets the try that was right, and the login's failures of that kind before it."""
    connection.execute(
        delete(login_attempt).where(
            (login_attempt.c.id == number) | (login_attempt.c.login == _key(kind, login))
        )
    )


def network(address: str) -> str:
    """What counts as one address: an IPv4 host, an IPv6 /64 (one customer has all of it)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _key(kind: str, login: str) -> str:
    """What is counted; a long login by its hash, so that two never share their tries."""
    key = f"{kind}:{login}"
    return key if len(key) <= 64 else f"{kind}:{hashlib.sha256(login.encode()).hexdigest()[:40]}"


def _wait(connection: Connection, mine: ColumnElement[bool], most: int, now: int) -> int:
    """Whole minutes until the next try is allowed; 0 when it is allowed now."""
    query = select(func.count(), func.min(login_attempt.c.at)).where(
        mine, login_attempt.c.at > now - WINDOW_MS
    )
    count, oldest = connection.execute(query).one()
    if count <= most:
        return 0
    return max(-(-(int(oldest) + WINDOW_MS - now) // clock.MINUTE), 1)
