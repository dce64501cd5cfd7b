"""What gunicorn and ``flask --app wsgi`` load."""

from app import create_app
from app.core.errors import CompanionError

try:
    app = create_app()
except CompanionError as exc:
    # A wrong setting is one sentence, not a traceback.
    raise SystemExit(f"Error: {exc}") from None
