"""Which passwords are good enough (OWASP ASVS 5.0, 6.2; NIST SP 800-63B, 3.1.1.2).

Length counts, not the kinds of signs; what attackers try first is refused: the 30,000 most common
passwords of public breaches (zxcvbn's list), also with digits or signs around them, and the login.
"""

from __future__ import annotations

import re
from functools import lru_cache

from app.core.errors import InvalidInput
from app.core.words import _

SHORTEST = 12
LONGEST = 256
# What people put around a word to make it longer.
_TRIMMINGS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_OURS = frozenset({"opensips", "companion", "opensipscompanion", "telephone", "administrator"})


def check(password: str, login: str, field: str = "password") -> str:
    """The password itself when it is good enough, else InvalidInput."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(
            _("The password has %(count)s characters.", count=len(password)),
            _(
                "Use %(shortest)s to %(longest)s; three or four words make a good one.",
                shortest=SHORTEST,
                longest=LONGEST,
            ),
            field,
        )
    if login.lower() in password.lower() or len(set(password)) < 5:
        raise InvalidInput(
            _("The password is too easy to guess."), _("Use one without the login in it."), field
        )
    if is_common(password):
        raise InvalidInput(
            _("The password is one of those that attackers try first."),
            _("Use three or four words that have nothing to do with each other."),
            field,
        )
    return password


def is_common(password: str) -> bool:
    """Whether it is a common password, or one with digits and signs around it."""
    small = password.lower()
    bare = _TRIMMINGS.sub("", small)
    halves = {small[: len(small) // 2]} if small[: len(small) // 2] * 2 == small else set()
    return any(one in _common() or one in _OURS for one in {small, bare, *halves} if len(one) > 3)


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    # Loaded when a password is set, and only then: the module holds other lists too.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])
