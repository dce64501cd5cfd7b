"""Every kind of chart in every state, of values that are made up."""

from __future__ import annotations

import math

from app.core import clock
from app.core.words import _
from app.shell.charts import Chart, Series, Viewer, bars, heat, hours_by_weekday, line, spark


def charts(now: int, viewer: Viewer) -> list[tuple[str, Chart]]:
    """The charts by the ids that they have on the page."""
    hour = now - now % clock.HOUR
    day = [hour - (47 - number) * clock.HOUR for number in range(48)]
    calls = [_wave(number, 300, 280) for number in range(48)]
    gaps: list[float | None] = [
        value if not 14 <= n <= 17 else None for n, value in enumerate(calls)
    ]
    answered = [round(value * 0.58) for value in calls]
    gateways = [f"gw-{number}" for number in range(1, 9)]
    nodes = [_("Node %(number)s", number=number) for number in range(1, 7)]
    week = [[_wave(hour_ + 6, 60, 58) * (1 + day_ % 5) for hour_ in range(24)] for day_ in range(7)]
    return [
        (
            "line",
            line(
                _("Calls per hour"),
                day,
                [
                    Series(_("Set up"), gaps),
                    Series(_("Answered"), answered),
                    Series(_("Failed"), [a - b for a, b in zip(calls, answered, strict=True)]),
                ],
                viewer,
            ),
        ),
        (
            "six",
            line(
                _("Load of six nodes"),
                day,
                [
                    Series(name, [_wave(n + 4 * k, 200, 120) + 140 * k for n in range(48)])
                    for k, name in enumerate(nodes)
                ],
                viewer,
            ),
        ),
        (
            "stacked",
            bars(
                _("Calls by result"),
                gateways,
                [
                    Series(_("Answered"), [420, 380, 300, 270, 180, 90, 40, 12]),
                    Series(_("Busy"), [120, 90, 110, 60, 50, 33, 9, 4]),
                    Series(_("Refused"), [60, 70, 20, 44, 12, 9, 3, 1]),
                    Series(_("No answer"), [88, 40, 51, 20, 31, 10, 7, 2]),
                ],
                viewer,
                head=_("Gateway"),
                stacked=True,
            ),
        ),
        (
            "grouped",
            bars(
                _("Sold and bought"),
                [_("March"), _("April"), _("May"), _("June")],
                [
                    Series(_("Sold"), [1200, 1430, 1380, 1700]),
                    Series(_("Bought"), [900, 1010, 1090, 1150]),
                    Series(_("Margin"), [300, 420, 290, 550]),
                ],
                viewer,
                head=_("Month"),
            ),
        ),
        ("week", hours_by_weekday(_("Calls by hour and weekday"), week, viewer)),
        (
            "heat",
            heat(
                _("Answer ratio by gateway and country"),
                gateways[:4],
                ["DE", "FR", "IT", "PL", "SE"],
                [
                    [62, 58, 40, None, 71],
                    [55, 49, 33, 12, 60],
                    [None, 44, 28, 30, 52],
                    [70, 66, 51, 43, 80],
                ],
                viewer,
                head=_("Gateway"),
            ),
        ),
        ("one", line(_("One point"), [now], [Series(_("Calls"), [7])], viewer)),
        ("zeros", line(_("All zero"), day[:12], [Series(_("Calls"), [0] * 12)], viewer)),
        (
            "negative",
            bars(
                _("Below zero"),
                nodes,
                [Series(_("Balance"), [30, -12, 18, -40, 5, -3])],
                viewer,
                head=_("Account"),
            ),
        ),
        (
            "huge",
            bars(
                _("Very large and very small"),
                ["a", "b", "c"],
                [Series(_("Bytes"), [4.2e17, 9.1e16, 1])],
                viewer,
                head=_("Name"),
            ),
        ),
        ("none", line(_("Nothing"), [], [Series(_("Calls"), [])], viewer)),
    ]


def small(viewer: Viewer) -> Chart:
    """A sparkline with a gap."""
    values: list[float | None] = [_wave(number, 40, 30) for number in range(24)]
    values[9] = None
    return spark(_("Calls of the last 24 hours"), values, viewer)


def _wave(number: int, middle: float, reach: float) -> int:
    """Something like the hours of a day."""
    ripple = reach / 9 * math.sin(number * 2.3)
    return max(0, round(middle - reach * math.cos(number * math.pi / 12) + ripple))
