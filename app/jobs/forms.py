"""A deed that needs nothing but the token that proves where it was asked."""

from flask_wtf import FlaskForm


class PlainForm(FlaskForm):
    """No fields."""
