"""Pages as they travel: without the templates' indents, and compressed for who reads gzip.

A compressed page's length can tell what it holds when an attacker chooses a part of it and may
ask thousands of times (BREACH). Three things stand against that: the cookie does not travel with
other sites' requests (SameSite), the CSRF token is signed anew each second, and every answer is
longer by a random amount that stands where browsers do not look (the file name in gzip's header,
RFC 1952 2.3.1; after Palatucci et al., "Heal the BREACH").
"""

from __future__ import annotations

import gzip
import io
import re
import secrets

from flask import Flask, Response, request

MOST_PADDING = 128
_WORTH_IT = 1_000


def init_app(app: Flask) -> None:
    """Makes every page of the application small."""
    app.after_request(_small)


def _small(response: Response) -> Response:
    if response.mimetype != "text/html" or response.is_streamed:
        return response
    # Text never holds a bare "<", so none of it is lost.
    page = re.sub(rb"\n\s+(?=<)", b"\n", response.get_data())
    response.vary.add("Accept-Encoding")
    if len(page) >= _WORTH_IT and request.accept_encodings["gzip"] > 0:
        page = packed(page)
        response.headers["Content-Encoding"] = "gzip"
    response.set_data(page)
    return response


def packed(page: bytes) -> bytes:
    """The page by gzip, longer by up to ``MOST_PADDING`` bytes that mean nothing."""
    padding = "0" * (1 + secrets.randbelow(MOST_PADDING))
    into = io.BytesIO()
    with gzip.GzipFile(padding, "wb", compresslevel=4, fileobj=into, mtime=0) as file:
        file.write(page)
    return into.getvalue()
