"""Error budget, burn rates and breach ETA (AVAILABILITY §7); integers, and present states given.

Sources of the factors: Google SRE workbook's multi-window set, as AVAILABILITY §7 fixes it for 30 days.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from fleet.availability.communes import CommuneTimeline
from fleet.availability.figures import Share
from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.facts.months import Window, month_of, month_window, next_month
from fleet.facts.settings import ContractSettings
from fleet.facts.states import CommuneState

THIRTY_DAYS_US = 30 * DAY_US


@dataclass(frozen=True, slots=True)
class WindowPair:
    """A long window shows that the loss matters, a short one that it goes on."""

    long_us: int
    short_us: int
    factor: Fraction
    """How many times the allowed pace is too fast, in a month of 30 days."""


FASTEST = WindowPair(HOUR_US, 5 * MINUTE_US, Fraction(144, 10))
FAST = WindowPair(6 * HOUR_US, 30 * MINUTE_US, Fraction(6))
PAIRS = (
    FASTEST,
    FAST,
    WindowPair(DAY_US, 2 * HOUR_US, Fraction(3)),
    WindowPair(3 * DAY_US, 6 * HOUR_US, Fraction(1)),
)

LostShare = Callable[[int], Fraction]
"""The share of the time that was lost in a window of that length (microseconds) before now: 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be lost in a month, and what is left of it; microseconds (times weight, for the whole)."""

    whole: int
    spent: int

    @property
    def left(self) -> int:
        """Negative when the promise is broken."""
        return self.whole - self.spent


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRate:
    """How fast the budget burns over a long and a short window; it alerts when both are over the factor."""

    long_us: int
    short_us: int
    factor: Fraction
    long: Fraction
    short: Fraction

    @property
    def alerts(self) -> bool:
        """Both windows burn faster than the factor."""
        return self.long > self.factor and self.short > self.factor


def budget(month_us: int, excluded: int, charged: int, objective_ppm: int) -> Budget:
    """Return (1 - objective) × (month - excluded), rounded down, and what is spent.

    >>> budget(THIRTY_DAYS_US, 0, 0, 999_700).whole == 777_600_000
    True
    """
    return Budget(whole=(1_000_000 - objective_ppm) * (month_us - excluded) // 1_000_000, spent=charged)


def burn_rate(pair: WindowPair, lost_share: LostShare, objective_ppm: int, now_us: int) -> BurnRate:
    """Return the burn over both windows before ``now_us``, its factor scaled to the length of the month.

    >>> rate = burn_rate(FASTEST, lambda window_us: Fraction(1, 10), 992_000, 0)
    >>> rate.long, rate.factor == Fraction(144, 10) * 31 / 30
    (Fraction(25, 2), True)
    """
    allowed = Fraction(1_000_000 - objective_ppm, 1_000_000)

    def burn(window_us: int) -> Fraction:
        share = lost_share(window_us)
        return share / allowed if share and allowed else Fraction(0)

    return BurnRate(
        long_us=pair.long_us,
        short_us=pair.short_us,
        factor=pair.factor * month_window(month_of(now_us)).length_us / THIRTY_DAYS_US,
        long=burn(pair.long_us),
        short=burn(pair.short_us),
    )


def charged_between(line: CommuneTimeline, window: Window, settings: ContractSettings) -> Share:
    """Return what was served and charged of one commune within a window."""
    start_us, end_us = max(window.start_us, line.start_us), min(window.end_us, line.end_us)
    served = max(0, end_us - start_us)
    charged = 0
    for span in reversed(line.exceptions):
        if span.end_us <= start_us:
            break
        length = min(span.end_us, end_us) - max(span.start_us, start_us)
        if length <= 0:
            continue
        served -= length
        charged += length if settings.charges(span.state) else 0
    return Share(served=served, charged=charged)


def burn_rates(
    lines: Sequence[CommuneTimeline],
    weights: Mapping[str, int],
    objective_ppm: int,
    settings: ContractSettings,
    now_us: int,
) -> tuple[BurnRate, ...]:
    """Return the burn over each pair of windows before ``now_us``; give one commune for its own rates."""

    def lost_share(length_us: int) -> Fraction:
        served = charged = 0
        for line in lines:
            share = charged_between(line, Window(now_us - length_us, now_us), settings)
            served += share.served * weights.get(line.insee, 0)
            charged += share.charged * weights.get(line.insee, 0)
        return Fraction(charged, served + charged) if charged else Fraction(0)

    return tuple(burn_rate(pair, lost_share, objective_ppm, now_us) for pair in PAIRS)


def breach_at_us(left: Fraction | int, next_whole: int, share_lost: Fraction, now_us: int) -> int | None:
    """Return when the budget is used up if present states persist; None when nothing is being lost.

    ``left`` and ``next_whole`` are this month's remaining and the next month's whole budget in microseconds;
    ``share_lost`` is the share of weight that is lost at present (1 for a lost commune).  Beyond the month's
    end the next month's budget is used; what a whole month bears is no breach.  A budget that is used up
    breaches now.
    """
    if share_lost <= 0:
        return None
    if left < 0:
        return now_us
    reaches_us = now_us + int(Fraction(left) / share_lost)
    month = month_of(now_us)
    following = month_window(next_month(month))
    if reaches_us < following.start_us:
        return reaches_us
    reaches_us = following.start_us + int(Fraction(next_whole) / share_lost)
    return reaches_us if reaches_us < following.end_us else None


def share_lost(states: Iterable[tuple[str, CommuneState]], weights: Mapping[str, int]) -> Fraction:
    """Return the share of weight of the communes that are LOST at present, of those that are covered."""
    lost = covered = 0
    for insee, state in states:
        weight = weights.get(insee, 0)
        covered += 0 if state is CommuneState.NOT_COVERED else weight
        lost += weight if state is CommuneState.LOST else 0
    return Fraction(lost, covered) if covered else Fraction(0)
