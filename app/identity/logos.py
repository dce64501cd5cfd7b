"""Tenants' logos: small PNG files of which only the picture is kept.

Text, profiles and whatever else a PNG may carry (W3C PNG, 11.3) are left out, so that nothing of
the maker is shown and nothing hides in it; SVG is refused, since it can hold script.
"""

from __future__ import annotations

import hashlib
import struct
import zlib

from sqlalchemy import Connection, delete, select, update

from app.core.errors import InvalidInput
from app.core.words import _
from app.identity import audit
from app.identity.access import HOUSE
from app.identity.tables import tenant, tenant_logo

MOST_BYTES = 64_000
_WIDEST = 1_000
_HIGHEST = 400
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
# Further up than tenants go deep.
_UP = 6


def bare(data: bytes) -> bytes:
    """The picture alone; raises InvalidInput for what is no small PNG."""
    if len(data) > MOST_BYTES:
        raise InvalidInput(
            _("The logo has more than %(most)s bytes.", most=MOST_BYTES),
            _("Make it smaller."),
            "logo",
        )
    wrong = InvalidInput(
        _("This is no PNG file."), _("Save the logo as PNG, then choose it."), "logo"
    )
    if not data.startswith(_SIGNATURE):
        raise wrong
    kept, at, kinds = [_SIGNATURE], len(_SIGNATURE), []
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        end = at + 12 + length
        kind, body, check = data[at + 4 : at + 8], data[at + 8 : end - 4], data[end - 4 : end]
        if end > len(data) or check != struct.pack(">I", zlib.crc32(kind + body)):
            raise wrong
        if kind in _KEPT:
            kinds.append(kind)
            kept.append(data[at:end])
        at = end
        if kind == b"IEND":
            break
    if len(kinds) < 3 or (kinds[0], kinds[-1]) != (b"IHDR", b"IEND") or b"IDAT" not in kinds:
        raise wrong
    _check_size(kept[1][8:-4], wrong)
    return b"".join(kept)


def _check_size(header: bytes, wrong: InvalidInput) -> None:
    if len(header) != 13:
        raise wrong
    width, height = struct.unpack(">II", header[:8])
    if not 0 < width <= _WIDEST or not 0 < height <= _HIGHEST:
        raise InvalidInput(
            _("The logo is %(width)s × %(height)s pixels.", width=width, height=height),
            _("At most %(wide)s × %(high)s fit.", wide=_WIDEST, high=_HIGHEST),
            "logo",
        )


def put(connection: Connection, tenant_id: int, data: bytes) -> str:
    """Gives a tenant a logo; returns its name, the SHA-256 of the picture."""
    picture = bare(data)
    digest = hashlib.sha256(picture).hexdigest()
    values = {"png": picture, "digest": digest}
    mine = tenant_logo.c.tenant_id == tenant_id
    if not connection.execute(update(tenant_logo).where(mine).values(values)).rowcount:
        connection.execute(delete(tenant_logo).where(mine))
        connection.execute(tenant_logo.insert(), {"tenant_id": tenant_id, **values})
    audit.record(
        connection, action="tenant.logo", object=f"tenant:{tenant_id}", after={"logo": digest}
    )
    return digest


def remove(connection: Connection, tenant_id: int) -> bool:
    """Takes the logo away; whether there was one."""
    gone = connection.execute(delete(tenant_logo).where(tenant_logo.c.tenant_id == tenant_id))
    if gone.rowcount:
        audit.record(connection, action="tenant.logo", object=f"tenant:{tenant_id}")
    return gone.rowcount > 0


def own(connection: Connection, tenant_id: int) -> str:
    """The name of a tenant's own logo; nothing without one."""
    query = select(tenant_logo.c.digest).where(tenant_logo.c.tenant_id == tenant_id)
    return str(connection.scalar(query) or "")


def of(connection: Connection, tenant_id: int) -> str:
    """The logo that a tenant's people see: his own, else of who sells to him, else the house's."""
    query = select(tenant_logo.c.tenant_id, tenant_logo.c.digest)
    known = {row.tenant_id: str(row.digest) for row in connection.execute(query)}
    above: int | None = tenant_id
    # Every page asks: without logos that is all.
    for _step in range(_UP if known else 0):
        if above is None or above in known:
            break
        above = connection.scalar(select(tenant.c.parent_id).where(tenant.c.id == above))
    return known.get(above or HOUSE, known.get(HOUSE, ""))


def picture(connection: Connection, digest: str) -> bytes | None:
    """The file of that name."""
    query = select(tenant_logo.c.png).where(tenant_logo.c.digest == digest).limit(1)
    return connection.scalar(query)
