"""Pages on the wire: compressed for who reads gzip, of a length that tells nothing."""

from __future__ import annotations

import gzip

from flask.testing import FlaskClient

from app.shell.wire import MOST_PADDING, packed


def test_a_page_is_compressed_for_who_reads_gzip(admin_client: FlaskClient) -> None:
    plain = admin_client.get("/dialplan")
    packed = admin_client.get("/dialplan", headers={"Accept-Encoding": "gzip"})
    assert plain.headers.get("Content-Encoding") is None
    assert packed.headers["Content-Encoding"] == "gzip"
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]
    assert len(packed.data) < len(plain.data) / 2
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    assert gzip.decompress(packed.data).startswith(b"<!doctype html>")


def test_what_is_no_page_travels_as_it_is(admin_client: FlaskClient) -> None:
    answer = admin_client.get("/healthz", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


def test_the_same_page_has_many_lengths() -> None:
    page = b"<p>The same words</p>" * 500
    made = [packed(page) for _ in range(100)]
    assert all(gzip.decompress(one) == page for one in made)
    lengths = {len(one) for one in made}
    assert len(lengths) > 20
    assert max(lengths) - min(lengths) < MOST_PADDING
