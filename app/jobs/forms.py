"""A deed that needs nothing but the token that proves where it was asked."""

from app.shell.forms import Form


class PlainForm(Form):
    """No fields."""
