"""The second factor: one-time codes of an authenticator (TOTP, RFC 6238) and recovery codes.

A code counts once, in the database, for all processes alike: the step that it belongs to is
compared and swapped. The key is stored sealed, recovery codes as hashes of 80 random bits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

import pyotp
import segno
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.errors import Conflict
from app.core.sealing import seal, unseal
from app.core.words import _
from app.identity.tables import operator_factor, operator_recovery

STEP_S = 30
# Clocks of telephones are wrong by less than a step.
_AROUND = (0, -1, 1)
RECOVERY_CODES = 10
_PURPOSE = "second factor"
ISSUER = "OpenSIPS Companion"


def begin(connection: Connection, operator_id: int, secret_key: str) -> str:
    """Makes a new key that counts once a code of it was given; returns it in base 32.

    Raises Conflict when another browser of the operator does the same at this moment.
    """
    key = pyotp.random_base32()
    row = {"operator_id": operator_id, "secret": seal(secret_key, _PURPOSE, key), "last_step": 0}
    connection.execute(
        delete(operator_factor).where(
            operator_factor.c.operator_id == operator_id, operator_factor.c.confirmed_at.is_(None)
        )
    )
    try:
        connection.execute(operator_factor.insert(), row)
    except IntegrityError as exc:
        raise Conflict(
            _("The second factor is being set up in another window."),
            _("Go on there, or try again."),
        ) from exc
    return key


def is_on(connection: Connection, operator_id: int) -> bool:
    """Whether the operator has a second factor that counts."""
    query = select(operator_factor.c.confirmed_at).where(
        operator_factor.c.operator_id == operator_id
    )
    return connection.scalar(query) is not None


def confirm(connection: Connection, operator_id: int, code: str, secret_key: str) -> list[str]:
    """Switches the factor on when the code is right; returns the recovery codes, else nothing."""
    if is_on(connection, operator_id) or not _matches(connection, operator_id, code, secret_key):
        return []
    confirmed = connection.execute(
        update(operator_factor)
        .where(
            operator_factor.c.operator_id == operator_id, operator_factor.c.confirmed_at.is_(None)
        )
        .values(confirmed_at=clock.now_ms())
    )
    # Of two windows one switches it on; its recovery codes are the ones that count.
    if confirmed.rowcount != 1:
        return []
    return new_recovery_codes(connection, operator_id)


def verify(connection: Connection, operator_id: int, code: str, secret_key: str) -> bool:
    """Whether it is a code of the authenticator, or a recovery code; either counts once."""
    bare = "".join(code.split()).replace("-", "").lower()
    if not is_on(connection, operator_id):
        return False
    if bare.isascii() and bare.isdigit() and len(bare) == 6:
        return _matches(connection, operator_id, bare, secret_key)
    used = delete(operator_recovery).where(
        operator_recovery.c.operator_id == operator_id, operator_recovery.c.hash == _hash(bare)
    )
    return connection.execute(used).rowcount == 1


def switch_off(connection: Connection, operator_id: int) -> bool:
    """Takes the factor and its recovery codes away; whether there was one."""
    connection.execute(
        delete(operator_recovery).where(operator_recovery.c.operator_id == operator_id)
    )
    gone = delete(operator_factor).where(operator_factor.c.operator_id == operator_id)
    return connection.execute(gone).rowcount > 0


def new_recovery_codes(connection: Connection, operator_id: int) -> list[str]:
    """Ten new codes, which are nowhere else; the old ones count no more."""
    connection.execute(
        delete(operator_recovery).where(operator_recovery.c.operator_id == operator_id)
    )
    codes = [
        base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)
    ]
    connection.execute(
        operator_recovery.insert(),
        [{"operator_id": operator_id, "hash": _hash(code)} for code in codes],
    )
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def codes_left(connection: Connection, operator_id: int) -> int:
    """How many recovery codes were not used yet."""
    query = select(func.count()).where(operator_recovery.c.operator_id == operator_id)
    return int(connection.scalar(query) or 0)


def picture(key: str, login: str) -> str:
    """The key as a QR code, SVG without style of its own: made here, seen by nobody else."""
    address = pyotp.TOTP(key).provisioning_uri(name=login, issuer_name=ISSUER)
    return str(segno.make(address, error="m").svg_inline(scale=5, border=3, light="#fff"))


def _matches(connection: Connection, operator_id: int, code: str, secret_key: str) -> bool:
    row = connection.execute(
        select(operator_factor).where(operator_factor.c.operator_id == operator_id)
    ).first()
    if row is None:
        return False
    totp = pyotp.TOTP(unseal(secret_key, _PURPOSE, row.secret))
    now = clock.now_ms() // (STEP_S * clock.SECOND)
    for step in (now + away for away in _AROUND):
        if hmac.compare_digest(totp.generate_otp(step), code.strip()):
            # Of two that bring the same code at the same moment, one finds the step taken.
            taken = (
                update(operator_factor)
                .where(
                    operator_factor.c.operator_id == operator_id,
                    operator_factor.c.last_step < step,
                )
                .values(last_step=step)
            )
            return connection.execute(taken).rowcount == 1
    return False


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
