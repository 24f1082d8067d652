"""What our own clock is worth, and when it is to follow the host's; pure.

Our UTC is the monotonic clock plus an offset, so that a step of the host's clock changes nothing by itself.
Witnesses are the host and the gateways: a heartbeat with time from NTP or GNSS tells how far that gateway's
clock is from ours, and the majority of them is a voice.

    host agrees, gateways agree with us               AGREED
    host agrees, too few gateways tell                HOST
    host agrees, gateways disagree                    CONTRADICTED
    host stepped, gateways agree with us              HELD: ours goes on
    host stepped, gateways agree with it              ours follows: AGREED
    host stepped, gateways agree with neither         CONTRADICTED
    host stepped, too few tell: forward               DOUBTED for ``STAND_US``, then ours follows
                                backward              DOUBTED so long, then ours follows if the process
                                                      is young and nothing was dated there before, else HELD
    the host leapt by ``LEAP_US`` while we were off   DOUBTED until gateways agree, ``DOUBT_LIMIT_US`` at most

When ours follows, what we dated since our clock was wrong moves with it (``Adoption.from_us``), so that
evidence of before and after stands on one timeline.

Sources: AVAILABILITY §1 (agreement within 2 s); adjtime slews CLOCK_MONOTONIC and CLOCK_REALTIME alike
(clock_gettime(2)), so that only a step changes their difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from statistics import median_low

from fleet.durations import DAY_US, MINUTE_US, SECOND_US

STEP_US = SECOND_US
"""A smaller difference is the kernel's discipline, and below what the contract's 2 s notice."""
AGREEMENT_US = 2 * SECOND_US
"""How far clocks may be apart and agree (the contract's ``time_agreement_us``)."""
VOTERS_LEAST = 3
"""Gateways that tell; fewer are no voice."""
VOTE_LIFE_US = 5 * MINUTE_US
"""A heartbeat older than this says nothing of our clock."""
STAND_US = MINUTE_US
"""How long the host's clock must stay where it stepped to, when nobody else tells."""
YOUNG_US = 10 * MINUTE_US
"""A process that began so lately may have begun before the host knew the time."""
LEAP_US = 31 * DAY_US
"""Longer than any stop that is meant; a host without a battery that guesses the future leaps further."""
DOUBT_LIMIT_US = DAY_US
"""After a leap: then the host is believed."""


class ClockQuality(StrEnum):
    """What our UTC is worth."""

    AGREED = "agreed"
    """The gateways' own clocks agree."""
    HOST = "host"
    """The host's clock agrees; nobody else tells."""
    DOUBTED = "doubted"
    """It may be wrong: nothing that cannot be undone happens by it."""
    HELD = "held"
    """The host's clock stepped away and is not believed."""
    CONTRADICTED = "contradicted"
    """The gateways' own clocks disagree."""

    @property
    def is_sure(self) -> bool:
        """Whether months may close and old rows may go by it."""
        return self in (ClockQuality.AGREED, ClockQuality.HOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """All clocks at one instant."""

    now_us: int
    """Our UTC."""
    host_us: int
    """The host's UTC."""
    monotonic_us: int
    votes: Sequence[int] = ()
    """How far ahead of ours the clock of each gateway is that tells, in microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timekeeping:
    """What is known of our clock since this process began or followed the host last."""

    quality: ClockQuality
    began_us: int
    began_monotonic_us: int
    past_us: int
    """Our newest instant before; nothing is dated again before it unless gateways say so."""
    leapt: bool = False
    """The host was ``LEAP_US`` ahead of our past at the start."""
    agreed: bool = False
    """Gateways agreed with us once."""
    stepped_us: int | None = None
    """Our UTC when the host's clock left it; None: it did not."""
    stepped_by_us: int = 0
    stepped_monotonic_us: int = 0
    """When it stepped last: it may step again before anything is decided."""
    contradicted_us: int | None = None
    """Our UTC since when gateways disagree; None: they do not, or did not tell."""

    cut_us: int = field(init=False)
    """Heartbeats received after this begin runs of their own: those before may have other dates."""

    def __post_init__(self) -> None:
        cut_us = max(self.began_us, self.stepped_us or 0, self.contradicted_us or 0)
        object.__setattr__(self, "cut_us", cut_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Ours follows the host's clock."""

    shift_us: int
    from_us: int
    """What we dated from here on, by our UTC of before, moves by ``shift_us``."""


def begun(*, now_us: int, monotonic_us: int, past_us: int | None) -> Timekeeping:
    """Return what is known when a process begins; ``past_us`` is our newest instant before, None: none."""
    leapt = past_us is not None and now_us - past_us > LEAP_US
    return Timekeeping(
        quality=ClockQuality.DOUBTED if leapt else ClockQuality.HOST,
        began_us=now_us,
        began_monotonic_us=monotonic_us,
        past_us=past_us or 0,
        leapt=leapt,
    )


def step(known: Timekeeping, reading: ClockReading) -> tuple[Timekeeping, Adoption | None]:
    """Return what is known after a look at all clocks, and whether ours is to follow the host's."""
    voice = majority(reading.votes)
    known = _noted(known, reading, voice)
    difference_us = reading.host_us - reading.now_us
    if known.stepped_us is None:
        return replace(known, quality=_unstepped(known, reading, voice)), None
    if voice is None:
        quality, from_us = _alone(known, reading, difference_us)
    elif abs(voice) <= AGREEMENT_US:
        quality, from_us = ClockQuality.HELD, None
    else:
        agrees = abs(voice - difference_us) <= AGREEMENT_US
        quality, from_us = ClockQuality.CONTRADICTED, _wrong_since(known, difference_us) if agrees else None
    if from_us is None:
        return replace(known, quality=quality), None
    adopted = Timekeeping(
        quality=ClockQuality.HOST if voice is None else ClockQuality.AGREED,
        began_us=reading.host_us,
        began_monotonic_us=reading.monotonic_us,
        past_us=reading.host_us,
        agreed=voice is not None,
    )
    return adopted, Adoption(shift_us=difference_us, from_us=from_us)


def majority(votes: Sequence[int]) -> int | None:
    """Return what more than half of at least ``VOTERS_LEAST`` gateways say; None: they are no voice.

    >>> majority([0, -100_000, 3_600_000_000]), majority([0, 0]), majority([0, 9_000_000, 18_000_000])
    (0, None, None)
    """
    if len(votes) < VOTERS_LEAST:
        return None
    middle = median_low(votes)
    near = sum(abs(vote - middle) <= AGREEMENT_US for vote in votes)
    return middle if near * 2 > len(votes) else None


def _noted(known: Timekeeping, reading: ClockReading, voice: int | None) -> Timekeeping:
    """Return what is known with when the host's clock left ours, and since when gateways disagree."""
    difference_us = reading.host_us - reading.now_us
    if abs(difference_us) <= STEP_US:
        known = replace(known, stepped_us=None)
    elif known.stepped_us is None or abs(difference_us - known.stepped_by_us) > STEP_US:
        known = replace(
            known,
            stepped_us=reading.now_us if known.stepped_us is None else known.stepped_us,
            stepped_by_us=difference_us,
            stepped_monotonic_us=reading.monotonic_us,
        )
    if voice is None:
        return known
    if abs(voice) <= AGREEMENT_US:
        return replace(known, agreed=True, contradicted_us=None)
    return replace(known, contradicted_us=known.contradicted_us or reading.now_us)


def _unstepped(known: Timekeeping, reading: ClockReading, voice: int | None) -> ClockQuality:
    if voice is not None:
        return ClockQuality.AGREED if abs(voice) <= AGREEMENT_US else ClockQuality.CONTRADICTED
    if known.leapt and reading.monotonic_us - known.began_monotonic_us < DOUBT_LIMIT_US:
        return ClockQuality.DOUBTED
    return ClockQuality.HOST


def _alone(known: Timekeeping, reading: ClockReading, difference_us: int) -> tuple[ClockQuality, int | None]:
    """Return what follows when only the host tells: the quality, or from when on we were wrong."""
    if reading.monotonic_us - known.stepped_monotonic_us < STAND_US:
        return ClockQuality.DOUBTED, None
    young = known.stepped_monotonic_us - known.began_monotonic_us <= YOUNG_US and not known.agreed
    if difference_us > 0:
        return ClockQuality.HOST, known.began_us if young else known.stepped_us
    if young and known.began_us + difference_us >= known.past_us:
        return ClockQuality.HOST, known.began_us
    return ClockQuality.HELD, None


def _wrong_since(known: Timekeeping, difference_us: int) -> int | None:
    """Return since when our clock was wrong, given that host and gateways agree; None: it cannot be known.

    Backward, a clock with which gateways agreed until the host stepped is not given up: the gateways may have
    their time from this very host.
    """
    stepped_us, contradicted_us = known.stepped_us, known.contradicted_us
    assert stepped_us is not None
    assert contradicted_us is not None
    if not known.agreed:
        return known.began_us
    if difference_us > 0:
        return min(stepped_us, contradicted_us)
    return contradicted_us if contradicted_us < stepped_us else None
