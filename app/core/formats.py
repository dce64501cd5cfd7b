"""How values look on a page: times in the viewer's zone, lengths, money, numbers. Pure."""

from __future__ import annotations

from markupsafe import Markup

from app.core import clock, money

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def moment(instant_ms: int | None, zone: str, style: str = "full") -> Markup:
    """``<time>`` with the wall clock of the zone; UTC stands in its title.

    Styles: ``full`` (23 Nov 2026 05:12:03), ``short`` (without this year's number), ``exact``
    (with milliseconds), ``minute``, ``time`` (05:12:03), ``date``.
    """
    if instant_ms is None:
        return Markup('<span class="text-faint">—</span>')
    local = clock.to_datetime(instant_ms).astimezone(clock.zone(zone))
    day = f"{local.day}\u00a0{_MONTHS[local.month - 1]}"
    this_year = clock.to_datetime(clock.now_ms()).astimezone(clock.zone(zone)).year
    if style != "short" or local.year != this_year:
        day += f"\u00a0{local.year}"
    hour = local.strftime("%H:%M" if style == "minute" else "%H:%M:%S")
    if style == "exact":
        hour += f".{instant_ms % 1000:03d}"
    parts = {"time": ("", hour), "date": ("", day)}.get(style, (day, hour))
    text = Markup('<span class="day">{}</span> {}').format(*parts) if parts[0] else parts[1]
    utc = clock.iso(instant_ms) or ""
    title = f"{utc.replace('T', ' ').removesuffix('Z')} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(utc, title, text)


def ago(instant_ms: int | None, now: int) -> str:
    """``12 s ago``, ``5 min ago``, ``3 h ago``, ``2 d ago``; rounded down."""
    if instant_ms is None:
        return "never"
    past = max(now - instant_ms, 0)
    for unit, size in (("d", clock.DAY), ("h", clock.HOUR), ("min", clock.MINUTE)):
        if past >= size:
            return f"{past // size} {unit} ago"
    return f"{past // clock.SECOND} s ago"


def duration(length_ms: int | None) -> str:
    """``1:02:03.4``, ``0:07``: hours only when there are any, tenths only when there are any."""
    if length_ms is None:
        return "—"
    tenths = abs(length_ms) // 100
    seconds, tenth = divmod(tenths, 10)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"
    sign = "-" if length_ms < 0 else ""
    return f"{sign}{text}.{tenth}" if tenth else sign + text


def amount(units: int | None, currency: str | None) -> str:
    """``0.0125 EUR``: exact, at least two decimal places where the currency has cents."""
    text = money.to_text(units, currency)
    if text is None or currency is None:
        return "—"
    if money.places(currency) > 4:
        whole, _, rest = text.partition(".")
        text = f"{whole}.{rest.ljust(2, '0')}"
    return f"{text} {currency}"


def number(value: int | None) -> str:
    """``12 345``: digits in groups of three, parted by a thin space that does not break."""
    return "—" if value is None else f"{value:,}".replace(",", "\u202f")


def phone(text: str) -> str:
    """E.164 digits get their ``+``; what is short, national or a name stays as it is."""
    number = text.isascii() and text.isdigit() and 8 <= len(text) <= 15 and text[0] != "0"
    return f"+{text}" if number else text
