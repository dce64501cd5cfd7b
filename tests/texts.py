"""Gathers every text that people read into app/translations/messages.pot (``make texts``).

Reproducible: no dates, ordered by text, so that a difference is a difference of words.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "app" / "translations" / "messages.pot"
KEYWORDS = {"_": None, "_l": None, "_n": (1, 2), "gettext": None, "ngettext": (1, 2)}


def gather() -> Catalog:
    """The texts of app/ and templates/ with the files where they stand."""
    found = Catalog(project="OpenSIPS Companion", charset="utf-8")
    for folder, pattern, method in (
        ("app", "**.py", "python"),
        ("templates", "**.html", "jinja2.ext:babel_extract"),
    ):
        options = {"**.html": {"trim_blocks": "true", "silent": "false"}}
        for name, _line, texts, _comments, _context in extract_from_dir(
            str(ROOT / folder), [(pattern, method)], options, keywords=KEYWORDS
        ):
            found.add(texts, locations=[(f"{folder}/{name}", 0)])
    return found


def written(catalog: Catalog) -> str:
    """The template as it is kept; each text names its files once, without line numbers."""
    kept = Catalog(project=catalog.project, charset="utf-8", header_comment="")
    for message in catalog:
        if message.id:
            places = sorted({name for name, _line in message.locations})
            kept.add(message.id, locations=[(name, 0) for name in places], flags=message.flags)
    buffer = io.BytesIO()
    write_po(buffer, kept, omit_header=True, include_lineno=False, sort_output=True, width=100)
    return buffer.getvalue().decode()


def main() -> int:
    """Writes the file; tells how many texts there are."""
    catalog = gather()
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_text(written(catalog), encoding="utf-8")
    print(f"{len(catalog)} texts in {TEMPLATE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
