"""Pictures of measures over time: bars and lines on axes with units, outages behind, gaps hatched; pure.

Every picture has its numbers in a table behind a key, and says its range in words for who does not see it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, log10
from typing import Final

from fleet.web.views.timeline import CALM, Span, timeline_of

LEFT, RIGHT, TOP, BOTTOM = 52.0, 430.0, 10.0, 130.0
"""The drawn field, in units of the view box (440 × 160)."""
TICKS_ASKED: Final = 3
NICE: Final = (1.0, 2.0, 5.0, 10.0)
SPREAD_LEAST: Final = 1e-4
"""A range below this, such as that of 0 alone, is drawn on an axis of 1."""
TICKS_X_LIMIT: Final = 6
"""Marks of the time axis that do not run into each other on a phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """A window cut into equal steps; the last one runs."""

    from_us: int
    until_us: int
    step_us: int

    @property
    def starts(self) -> range:
        """Return where each step begins; one that lies mostly before the window is not of it."""
        first_us = (self.from_us + self.step_us // 2) // self.step_us * self.step_us
        return range(first_us, self.until_us, self.step_us)

    def x(self, at_us: int) -> float:
        """Return the place of an instant on the picture, within its field."""
        share = (at_us - self.from_us) / max(1, self.until_us - self.from_us)
        return round(LEFT + min(1.0, max(0.0, share)) * (RIGHT - LEFT), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values by the start of their step; what is missing was not measured."""

    name: str
    values: Mapping[int, float]
    kind: str = "line"
    """``bar`` (stacked), ``line``, ``loud`` (to look at), ``past`` (dashed), ``edge`` (in the table only)."""
    rank: int = 0
    """Which shade of a stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    """One drawn rectangle; ``state`` of a span behind, or the shade of a bar."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One mark of an axis: a time has a label, a height its value."""

    at: float
    label: str = ""
    value: float = 0.0
    decimals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One picture and the table behind it."""

    key: str
    """Name in the catalogue: title and unit."""
    behind: tuple[Rect, ...] = ()
    gaps: tuple[Rect, ...] = ()
    bars: tuple[Rect, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    """(kind, points) of each stretch without a gap."""
    dots: tuple[tuple[str, float, float], ...] = ()
    """Values that stand alone between gaps."""
    band: tuple[str, ...] = ()
    """Outlines from the lowest to the highest of each step."""
    across: tuple[Mark, ...] = ()
    upward: tuple[Mark, ...] = ()
    names: tuple[str, ...] = ()
    rows: tuple[tuple[int, tuple[float | None, ...]], ...] = ()
    """(start of the step, the value of each series), newest first."""
    lowest: float = 0.0
    highest: float = 0.0
    decimals: int = 0
    legend: tuple[tuple[str, int], ...] = field(default=())
    """(name, shade) of what is stacked."""

    @property
    def known(self) -> bool:
        """Whether anything was measured."""
        return bool(self.rows)


def nice_marks(low: float, high: float) -> list[float]:
    """Return some round numbers that hold a range between them.

    >>> nice_marks(0, 87)
    [0.0, 50.0, 100.0]
    >>> nice_marks(-118.2, -109.0)
    [-120.0, -115.0, -110.0, -105.0]
    """
    spread = max(high - low, abs(high) * 0.01)
    span = spread if spread >= SPREAD_LEAST else 1.0
    raw = span / TICKS_ASKED
    size = 10.0 ** floor(log10(raw))
    step = next(size * one for one in NICE if size * one >= raw * 0.999)
    first = floor(low / step)
    last = -floor(-high / step)
    return [round(number * step, 6) for number in range(first, max(last, first + 1) + 1)]


def _decimals(mark: float, marks: Sequence[float]) -> int:
    """Return the decimals that tell a mark from its neighbours; a whole number needs none."""
    return 0 if mark == int(mark) else max(0, -floor(log10(marks[1] - marks[0]) + 1e-9))


def curve_of(
    key: str,
    steps: Steps,
    series: Sequence[Series],
    *,
    lang: str,
    outages: Iterable[Span] = (),
    band: tuple[Mapping[int, float], Mapping[int, float]] | None = None,
    decimals: int = 0,
    from_zero: bool = True,
) -> Curve:
    """Return the picture of some series; ``band`` holds the lowest and the highest of each step."""
    tops = _stacked(series)
    drawn = [value for one in series if one.kind != "bar" for value in one.values.values()]
    drawn += [*tops.values()] + ([*band[0].values(), *band[1].values()] if band else [])
    measured = {at_us for one in series if one.kind != "past" for at_us in one.values}
    if not measured:
        return Curve(key=key)
    marks = nice_marks(min(0.0, *drawn) if from_zero else min(drawn), max(drawn))
    height = _Height(marks[0], marks[-1])
    bars = [one for one in series if one.kind == "bar"]
    lines, dots = _lines(steps, series, height)
    shown = [value for one in series if one.kind not in ("bar", "past") for value in one.values.values()]
    shown = shown or list(tops.values())
    return Curve(
        key=key,
        behind=_behind(steps, outages),
        gaps=_gaps(steps, measured),
        bars=_bars(steps, bars, height),
        lines=lines,
        dots=dots,
        band=_bands(steps, band, height) if band else (),
        across=_across(steps, lang),
        upward=tuple(Mark(at=height.y(mark), value=mark, decimals=_decimals(mark, marks)) for mark in marks),
        names=tuple(one.name for one in series),
        rows=tuple(
            (at_us, tuple(one.values.get(at_us) for one in series)) for at_us in sorted(measured)[::-1]
        ),
        lowest=min(shown),
        highest=max(shown),
        decimals=decimals,
        legend=tuple((one.name, one.rank) for one in bars),
    )


@dataclass(frozen=True, slots=True)
class _Height:
    low: float
    high: float

    def y(self, value: float) -> float:
        return round(BOTTOM - (value - self.low) / (self.high - self.low) * (BOTTOM - TOP), 2)


def _stacked(series: Sequence[Series]) -> dict[int, float]:
    tops: dict[int, float] = {}
    for one in series:
        for at_us, value in one.values.items() if one.kind == "bar" else ():
            tops[at_us] = tops.get(at_us, 0.0) + value
    return tops


def _bars(steps: Steps, series: Sequence[Series], height: _Height) -> tuple[Rect, ...]:
    found, reached = [], dict[int, float]()
    for one in series:
        for at_us, value in one.values.items():
            if not value:
                continue
            low = reached.get(at_us, 0.0)
            reached[at_us] = low + value
            x, top = steps.x(at_us), height.y(low + value)
            width = max(0.5, (steps.x(at_us + steps.step_us) - x) * 0.85)
            found.append(
                Rect(
                    x=x,
                    y=top,
                    width=round(width, 2),
                    height=round(height.y(low) - top, 2),
                    kind=str(one.rank),
                )
            )
    return tuple(found)


def _stretches(steps: Steps, values: Mapping[int, float]) -> list[list[int]]:
    """Return the steps with a value, cut where one is missing: a gap is never bridged."""
    found: list[list[int]] = []
    for at_us in sorted(values):
        if found and at_us - found[-1][-1] == steps.step_us:
            found[-1].append(at_us)
        else:
            found.append([at_us])
    return found


def _middle(steps: Steps, at_us: int) -> float:
    return steps.x(min(at_us + steps.step_us // 2, steps.until_us))


def _lines(
    steps: Steps, series: Sequence[Series], height: _Height
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, float, float], ...]]:
    lines, dots = [], []
    for one in series:
        if one.kind in ("bar", "edge"):
            continue
        for stretch in _stretches(steps, one.values):
            points = [(_middle(steps, at_us), height.y(one.values[at_us])) for at_us in stretch]
            if len(points) == 1:
                dots.append((one.kind, *points[0]))
            else:
                lines.append((one.kind, " ".join(f"{x},{y}" for x, y in points)))
    return tuple(lines), tuple(dots)


def _bands(
    steps: Steps, band: tuple[Mapping[int, float], Mapping[int, float]], height: _Height
) -> tuple[str, ...]:
    lows, highs = band
    found = []
    for stretch in _stretches(steps, highs):
        there = [(_middle(steps, at_us), height.y(highs[at_us])) for at_us in stretch]
        back = [(_middle(steps, at_us), height.y(lows[at_us])) for at_us in reversed(stretch)]
        found.append(" ".join(f"{x},{y}" for x, y in (*there, *back)))
    return tuple(found)


def _behind(steps: Steps, outages: Iterable[Span]) -> tuple[Rect, ...]:
    found = []
    for span in outages:
        begin, end = max(span.from_us, steps.from_us), min(span.until_us, steps.until_us)
        if begin < end and span.state not in CALM:
            x = steps.x(begin)
            width = max(1.5, steps.x(end) - x)
            found.append(Rect(x=x, y=TOP, width=round(width, 2), height=BOTTOM - TOP, kind=span.state))
    return tuple(found)


def _gaps(steps: Steps, measured: set[int]) -> tuple[Rect, ...]:
    """Return where nothing was measured although the step is over."""
    missing = [
        at_us for at_us in steps.starts if at_us not in measured and at_us + steps.step_us <= steps.until_us
    ]
    found = []
    for stretch in _stretches(steps, dict.fromkeys(missing, 0.0)):
        x = steps.x(stretch[0])
        width = steps.x(stretch[-1] + steps.step_us) - x
        found.append(Rect(x=x, y=TOP, width=round(width, 2), height=BOTTOM - TOP, kind="gap"))
    return tuple(found)


def _across(steps: Steps, lang: str) -> tuple[Mark, ...]:
    ticks = timeline_of((), steps.from_us, steps.until_us, lang=lang).ticks
    every = -(-len(ticks) // TICKS_X_LIMIT) or 1
    return tuple(
        Mark(at=round(LEFT + tick.x / 1000 * (RIGHT - LEFT), 2), label=tick.label) for tick in ticks[::every]
    )
