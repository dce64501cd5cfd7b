"""Tenants' logos: whose is shown to whom, and what a file may not bring along."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from app.core.database import Databases, reading, writing
from app.core.errors import InvalidInput
from app.identity import logos, operators, tenants
from app.identity.tables import audit
from tests.identity.people import Browser, sign_in


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int = 4, height: int = 2, shade: int = 0, *more: bytes) -> bytes:
    """A grey picture, with whatever else between its parts."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + bytes([shade]) * width) * height)
    parts = [_chunk(b"IHDR", header), *more, _chunk(b"IDAT", rows), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _upload(client: Browser, tenant_id: int, data: bytes | None) -> int:
    values: dict[str, object] = {"csrf_token": client.csrf}
    if data is not None:
        values["logo"] = (io.BytesIO(data), "logo.png")
    return client.post(f"/tenants/{tenant_id}/logo", data=values).status_code


def test_only_the_picture_is_kept() -> None:
    secret = _chunk(b"tEXt", b"Author\x00Ann at home") + _chunk(b"iCCP", b"x" * 50)
    found = logos.bare(png(4, 2, 0, secret) + b"<script>alert(1)</script>")
    assert found == png(4, 2)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"GIF89a" + b"x" * 100,
        png()[:-5],
        png()[:20],
        png().replace(b"IDAT", b"IDAX"),
        png()[:40] + b"\x00" + png()[41:],
        png(1001, 2),
        png(2, 401),
        png(0, 2),
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", b"x") + _chunk(b"IDAT", b"") + _chunk(b"IEND", b""),
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 2**32 - 1) + b"IHDR" + b"x" * 50,
        png() + b"x" * logos.MOST_BYTES,
    ],
)
def test_what_is_no_small_png_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        logos.bare(data)


def test_each_sees_his_own_or_who_sells_to_him(app: Flask, both_dbs: Databases) -> None:
    with writing(both_dbs.panel) as connection:
        above = tenants.create(connection, name="above", parent_id=None)
        beneath = tenants.create(connection, name="beneath", parent_id=above)
        apart = tenants.create(connection, name="apart", parent_id=None)
    reseller = sign_in(app, "reseller", "rita", above)
    customer = sign_in(app, "reseller", "carl", beneath)
    other = sign_in(app, "reseller", "otto", apart)
    assert _upload(reseller, above, png(shade=1)) == 303
    with reading(both_dbs.panel) as connection:
        first = logos.own(connection, above)
    for client in (reseller, customer):
        assert f"/logo/{first}.png" in client.get("/accounts").text
    assert "/logo/" not in other.get("/accounts").text
    answer = app.test_client().get(f"/logo/{first}.png")
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/png", png(shade=1))
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert _upload(customer, beneath, png(shade=2)) == 303
    assert _upload(customer, beneath, png(shade=3)) == 303
    assert first not in customer.get("/accounts").text
    for tenant_id in (above, apart, 1):
        assert _upload(customer, tenant_id, png()) == 404, tenant_id
    assert _upload(customer, beneath, b"<svg/>") == 400
    assert _upload(customer, beneath, None) == 303
    assert first in customer.get("/accounts").text
    with reading(both_dbs.panel) as connection:
        actions = connection.scalars(select(audit.c.action)).all()
    assert actions.count("tenant.logo") == 4
