"""One measurement in a process of its own: ``python -m tests.bench.one URL ROWS FOLDER``."""

from __future__ import annotations

import json
import os
import sys

from app.core import schema
from app.core.database import connect
from app.core.settings import load
from tests.bench import ingest


def main(url: str, rows: int, folder: str) -> None:
    """Prints the figure as JSON."""
    wish = {name: value for name, value in os.environ.items() if name == "PANEL_BULK_LOAD"}
    settings = load({"PANEL_DATABASE_URL": url, "PANEL_DATA_DIR": folder} | wish)
    dbs = connect(settings)
    schema.upgrade(dbs.panel)
    sys.stdout.write(json.dumps(ingest.measure(dbs, settings, rows)))
    dbs.panel.dispose()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
