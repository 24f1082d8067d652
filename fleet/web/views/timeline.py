"""Timelines as pictures: spans of states on an axis of Paris time, what nobody knows hatched; pure.

A span shorter than one pixel is still drawn, ``SHORTEST`` wide: an outage never disappears.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.facts.months import month_around
from fleet.lang import format as formats
from fleet.lang.paris import day_us, paris

WIDTH: Final = 1000.0
SHORTEST: Final = 2.0
TEN_MINUTES_US: Final = 10 * MINUTE_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A state during [from_us, until_us)."""

    from_us: int
    until_us: int
    state: str
    cause: str = "none"
    proved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One drawn span; ``x`` and ``width`` in units of ``WIDTH``."""

    x: float
    width: float
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One mark of the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A picture and the table behind it."""

    from_us: int
    until_us: int
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    now_x: float | None
    notable: tuple[Span, ...]
    """What the table behind lists: all but calm service, newest first."""


WINDOWS: Final = ("1h", "24h", "7j", "mois")
DEFAULT_WINDOW: Final = "24h"
CALM: Final = ("SERVING", "SERVED", "OUT", "NOT_COVERED")


def window_of(name: str, now_us: int) -> tuple[int, int]:
    """Return the span of a window's name that ends now: an hour, a day, a week, the Paris month so far."""
    if name == "mois":
        return month_around(now_us).start_us, now_us
    return now_us - {"1h": HOUR_US, "7j": 7 * DAY_US}.get(name, DAY_US), now_us


def timeline_of(
    spans: Sequence[Span], from_us: int, until_us: int, *, lang: str, now_us: int | None = None
) -> Timeline:
    """Return the picture of ``spans`` within the window; a gap becomes UNKNOWN, it is never bridged."""
    filled = _filled(spans, from_us, until_us)
    scale = WIDTH / max(1, until_us - from_us)
    bars = []
    for span in sorted(filled, key=lambda span: span.state not in CALM):
        width = max(SHORTEST, (span.until_us - span.from_us) * scale)
        x = min((span.from_us - from_us) * scale, WIDTH - width)
        bars.append(Bar(x=round(max(0.0, x), 2), width=round(width, 2), span=span))
    notable = [span for span in filled if span.state not in CALM]
    return Timeline(
        from_us=from_us,
        until_us=until_us,
        bars=tuple(bars),
        ticks=_ticks(from_us, until_us, lang),
        now_x=None if now_us is None or not from_us <= now_us < until_us else (now_us - from_us) * scale,
        notable=tuple(reversed(notable)),
    )


def _filled(spans: Sequence[Span], from_us: int, until_us: int) -> list[Span]:
    found: list[Span] = []
    reached = from_us
    for span in sorted(spans, key=lambda span: span.from_us):
        begin, end = max(span.from_us, reached), min(span.until_us, until_us)
        if begin >= end:
            continue
        if begin > reached:
            found.append(Span(from_us=reached, until_us=begin, state="UNKNOWN", cause="unknown"))
        found.append(
            Span(from_us=begin, until_us=end, state=span.state, cause=span.cause, proved=span.proved)
        )
        reached = end
    if reached < until_us:
        found.append(Span(from_us=reached, until_us=until_us, state="UNKNOWN", cause="unknown"))
    return found


def _ticks(from_us: int, until_us: int, lang: str) -> tuple[Tick, ...]:
    length_us = until_us - from_us
    scale = WIDTH / max(1, length_us)
    if length_us <= HOUR_US:
        first = -(-from_us // TEN_MINUTES_US) * TEN_MINUTES_US
        return tuple(
            Tick(x=round((at_us - from_us) * scale, 2), label=formats.clock(lang, at_us))
            for at_us in range(first, until_us, TEN_MINUTES_US)
        )
    if length_us <= 30 * HOUR_US:
        return tuple(
            Tick(x=round((at_us - from_us) * scale, 2), label=formats.clock(lang, at_us))
            for at_us in _hours(from_us, until_us, 3)
        )
    step = 1 if length_us <= 10 * DAY_US else 5
    days = [at_us for index, at_us in enumerate(_midnights(from_us, until_us)) if index % step == 0]
    return tuple(Tick(x=round((at_us - from_us) * scale, 2), label=_day(lang, at_us, step)) for at_us in days)


def _day(lang: str, at_us: int, step: int) -> str:
    return formats.day(lang, paris(at_us).date(), weekday=step == 1, year=False)


def _hours(from_us: int, until_us: int, step: int) -> list[int]:
    first = -(-from_us // HOUR_US) * HOUR_US
    instants = range(first, until_us, HOUR_US)
    return [at_us for at_us in instants if paris(at_us).hour % step == 0]


def _midnights(from_us: int, until_us: int) -> list[int]:
    day = paris(from_us).date()
    found = []
    while (at_us := day_us(day)) < until_us:
        if at_us >= from_us:
            found.append(at_us)
        day = day + timedelta(days=1)
    return found
