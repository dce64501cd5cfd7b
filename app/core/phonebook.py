"""Of which country and kind a telephone number is: Google's libphonenumber metadata, offline."""

from __future__ import annotations

from typing import Any, NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberType

from app.core.words import _l

# What belongs to no country: satellites, international freephone (ITU-T E.164, 4.2).
NO_COUNTRY = "001"
# From any kind to the words for it.
KIND_WORDS: dict[str, Any] = {
    "fixed": _l("fixed line"),
    "mobile": _l("mobile"),
    "fixed_or_mobile": _l("fixed line or mobile"),
    "tollfree": _l("toll-free"),
    "premium": _l("premium rate"),
    "shared": _l("shared cost"),
    "voip": _l("Internet telephony"),
    "personal": _l("personal number"),
    "pager": _l("pager"),
    "company": _l("company number"),
    "voicemail": _l("voicemail"),
    "unknown": _l("unknown type"),
}
_KINDS = {
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    PhoneNumberType.TOLL_FREE: "tollfree",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company",
    PhoneNumberType.VOICEMAIL: "voicemail",
}


class About(NamedTuple):
    """``country``: two letters of ISO 3166, or NO_COUNTRY; ``kind``: a key of KIND_WORDS."""

    country: str
    kind: str


def about(digits: str) -> About | None:
    """What is known of an E.164 number without plus; None where it can be none."""
    if not (digits.isascii() and digits.isdigit()):
        return None
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    code = number.country_code or 0
    country = phonenumbers.region_code_for_number(number)
    country = country or phonenumbers.region_code_for_country_code(code)
    return About(str(country), _KINDS.get(phonenumbers.number_type(number), "unknown"))
