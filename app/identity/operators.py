"""Operators and their passwords: argon2id, the same work for a login that does not exist."""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import lru_cache
from threading import BoundedSemaphore
from zoneinfo import available_timezones

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Engine, RowMapping, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock, formats
from app.core.database import inserted_id, reading, writing
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.words import _
from app.identity import audit, sessions
from app.identity.passwords import LONGEST
from app.identity.passwords import check as check_password
from app.identity.roles import ROLES
from app.identity.tables import operator

_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")

_hasher = PasswordHasher()
# A hash takes 64 MiB and a fifth of a second: a flood of sign-ins must not take the machine.
_slots = BoundedSemaphore(2)


def create(
    connection: Connection, *, login: str, password: str, role: str, tenant_id: int = 1
) -> int:
    """Makes an operator; returns the id. Raises InvalidInput or, for a taken login, Conflict."""
    if not is_login(login):
        raise InvalidInput(
            _("'%(login)s' is no login.", login=login),
            _("Use up to 64 letters, digits and . _ @ + -."),
            "login",
        )
    if role not in ROLES:
        raise InvalidInput(
            _("'%(role)s' is no role.", role=role),
            _("Use one of %(names)s.", names=", ".join(ROLES)),
            "role",
        )
    row = {
        "tenant_id": tenant_id,
        "login": login,
        "password_hash": _hash(check_password(password, login)),
        "role": role,
        "created_at": clock.now_ms(),
    }
    if connection.scalar(select(operator.c.id).where(operator.c.login == login)) is not None:
        raise Conflict(
            _("The login '%(login)s' is taken.", login=login),
            _("Choose another, or reset its password."),
        )
    try:
        return inserted_id(connection.execute(operator.insert(), row))
    except IntegrityError as exc:
        raise Conflict(
            _("The login '%(login)s' is taken.", login=login), _("Choose another one.")
        ) from exc


def is_login(text: str) -> bool:
    """Whether it can be a login at all."""
    return _LOGIN.fullmatch(text) is not None


def verify(connection: Connection, login: str, password: str) -> int | None:
    """The operator's id when login and password are right and the operator is active."""
    found = check(connection, login, password)
    return found[0] if found else None


def check(connection: Connection, login: str, password: str) -> tuple[int, str] | None:
    """The id and the password's mark (``password_mark``) when login and password are right.

    An unknown login costs the same work.
    """
    row = connection.execute(
        select(operator.c.id, operator.c.password_hash).where(
            operator.c.login == login, operator.c.active.is_(True)
        )
    ).first()
    stored = row.password_hash if row is not None else _nobodys_hash()
    right = _matches(stored, password)
    return (int(row.id), _mark(stored)) if row is not None and right else None


def password_mark(connection: Connection, operator_id: int, *, lock: bool = False) -> str:
    """What stands for the present password of an active operator; nothing for all others.

    A hash of the salted hash: it tells whether the password is still the one that was given.
    With ``lock`` nobody changes the operator until the transaction ends.
    """
    query = select(operator.c.password_hash).where(
        operator.c.id == operator_id, operator.c.active.is_(True)
    )
    stored = connection.scalar(query.with_for_update() if lock else query)
    return _mark(stored) if stored else ""


def change_password(
    engine: Engine, operator_id: int, old: str, new: str, *, session_hash: str | None = None
) -> None:
    """Sets a new password after the old one was given; ends the operator's other sessions.

    Hashing is slow on purpose and happens before the transaction.
    """
    with reading(engine) as connection:
        row = get(connection, operator_id)
    if not _matches(row["password_hash"], old):
        raise InvalidInput(_("That is not your present password."), _("Try again."), "old")
    if secrets.compare_digest(old.encode(), new.encode()):
        raise InvalidInput(_("The new password is the old one."), _("Choose another one."), "new")
    hashed = _hash(check_password(new, row["login"], "new"))
    with writing(engine) as connection:
        _store(connection, operator_id, hashed)
        sessions.revoke_all(connection, operator_id, but=session_hash)
        audit.record(connection, action="operator.password", object=f"operator:{operator_id}")


def reset_password(connection: Connection, login: str, new: str) -> int:
    """Sets a password without the old one (command line only); ends all sessions. Returns id."""
    found = number_of(connection, login)
    _store(connection, found, _hash(check_password(new, login)))
    sessions.revoke_all(connection, found)
    return found


def set_active(connection: Connection, login: str, *, active: bool) -> int:
    """Locks or unlocks an operator; the sessions end. Returns the id; raises NotFound."""
    found = number_of(connection, login)
    connection.execute(update(operator).where(operator.c.id == found).values(active=active))
    sessions.revoke_all(connection, found)
    return found


def number_of(connection: Connection, login: str) -> int:
    """The id of a login; raises NotFound."""
    found = connection.scalar(select(operator.c.id).where(operator.c.login == login))
    if found is None:
        raise NotFound(
            _("There is no operator '%(login)s'.", login=login),
            _("'flask operator list' shows them."),
        )
    return int(found)


def set_zone(connection: Connection, operator_id: int, zone: str) -> None:
    """Sets the zone in which the operator sees times; refuses what is no IANA zone."""
    if zone not in zones():
        raise InvalidInput(
            _("“%(zone)s” is no time zone.", zone=zone), _("Choose one such as Europe/Berlin.")
        )
    connection.execute(update(operator).where(operator.c.id == operator_id).values(zone=zone))


def set_look(
    connection: Connection, operator_id: int, *, zone: str | None, locale: str | None
) -> None:
    """Sets the zone and the locale in which an operator sees times and figures, and notes it."""
    names = ("zone", "locale")
    row = get(connection, operator_id)
    if zone is not None:
        set_zone(connection, operator_id, zone)
    if locale is not None:
        set_locale(connection, operator_id, locale)
    before = {name: row[name] for name in names}
    given = zip(names, (zone, locale), strict=True)
    after = before | {name: value for name, value in given if value is not None}
    if after != before:
        named = f"operator:{operator_id}"
        audit.record(connection, action="operator.view", object=named, before=before, after=after)


def set_locale(connection: Connection, operator_id: int, locale: str) -> None:
    """Sets how the operator sees dates and figures; refuses what is not offered."""
    if locale not in formats.LOCALES:
        raise InvalidInput(_("There is no such locale."), _("Choose one of the list."), "locale")
    connection.execute(update(operator).where(operator.c.id == operator_id).values(locale=locale))


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """The IANA zones that an operator may choose, UTC first."""
    names = sorted(name for name in available_timezones() if "/" in name)
    return ("UTC", *(name for name in names if not name.startswith(("posix", "right", "Etc"))))


def get(connection: Connection, operator_id: int) -> RowMapping:
    """The operator's row; raises NotFound."""
    row = (
        connection.execute(select(operator).where(operator.c.id == operator_id)).mappings().first()
    )
    if row is None:
        raise NotFound(_("There is no operator %(operator_id)s.", operator_id=operator_id))
    return row


def browse(connection: Connection) -> list[RowMapping]:
    """All operators by login."""
    return list(connection.execute(select(operator).order_by(operator.c.login)).mappings())


def generate_password() -> str:
    """A random password of 150 bits that can be read aloud."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(6)) for _ in range(5))


def hashed(password: str) -> str:
    """The hash of a password (argon2id) that may be stored."""
    return _hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; without one it costs the same and is not."""
    right = _matches(stored if stored is not None else _nobodys_hash(), password)
    return right and stored is not None


def _store(connection: Connection, operator_id: int, hashed: str) -> None:
    query = update(operator).where(operator.c.id == operator_id)
    connection.execute(query.values(password_hash=hashed))


def _hash(password: str) -> str:
    with _slots:
        return _hasher.hash(password)


def _mark(stored: str) -> str:
    return hashlib.sha256(stored.encode()).hexdigest()


def _matches(stored: str, password: str) -> bool:
    with _slots:
        try:
            return _hasher.verify(stored, password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hash(secrets.token_urlsafe(16))
