"""What the LNS received through a gateway beside what the fleet says of it; pure.

    HEARD_WHILE_DOWN      an uplink in a stretch that the fleet calls DOWN
    QUIET_WHILE_SERVING   none for hours in a stretch called SERVING, with enough traffic before and after

A contradiction is shown and counted, and changes no state: who is right is for people to find out.  A
heartbeat that somebody forged turns a silent gap into SERVING; the uplinks missing in it give it away.
Traffic is told by the minute (``HeardHour.minutes``).  An hour in which the LNS gave no event of any other
gateway proves nothing: our own subscription may have been away.
Sources: AVAILABILITY §12.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fleet.availability.timeline import Timeline
from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.facts.intervals import Interval, complement
from fleet.facts.states import GatewayState

QUIET_US = 3 * HOUR_US
"""Shorter silences of objects are usual."""
EXPECTED_MINUTES = 20
"""By the traffic of the days before and after so many minutes of the gap should have had an uplink: were
they independent, none would come once in 5 x 10^8 gaps."""
AROUND_US = DAY_US


class Contradicts(StrEnum):
    """In which way both differ."""

    HEARD_WHILE_DOWN = "heard_while_down"
    QUIET_WHILE_SERVING = "quiet_while_serving"


@dataclass(frozen=True, slots=True)
class HeardHour:
    """In which minutes of an hour UTC the LNS received uplinks through a gateway."""

    hour_at_us: int
    minutes: int
    """Bit 0: the first minute."""

    def starts(self) -> Iterator[int]:
        """Yield when each of these minutes began."""
        for minute in range(60):
            if self.minutes >> minute & 1:
                yield self.hour_at_us + minute * MINUTE_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """One stretch in which the LNS and the fleet differ."""

    eui: str
    start_us: int
    end_us: int
    kind: Contradicts
    minutes: int
    """With an uplink while DOWN; that should have had one while SERVING."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corroboration:
    """What the LNS contradicts over a window."""

    gateways: int
    """How many the LNS gave any event of; the others could not be compared."""
    found: tuple[Contradiction, ...]
    """By gateway and time."""


def corroborate(
    lines: Mapping[str, Timeline],
    heard: Iterable[tuple[str, Sequence[HeardHour]]],
    gateways_by_hour: Mapping[int, int],
) -> Corroboration:
    """Return every contradiction.

    ``heard`` gives each gateway once, its hours in order; ``gateways_by_hour`` how many gateways had events.
    """
    found: list[Contradiction] = []
    gateways = 0
    for eui, hours in heard:
        if eui not in lines:
            continue
        gateways += 1
        minutes = [at_us for hour in hours for at_us in hour.starts()]
        own = {hour.hour_at_us for hour in hours}
        connected = {at_us for at_us, count in gateways_by_hour.items() if count > (at_us in own)}
        found += _while_down(lines[eui], minutes)
        found += _while_serving(lines[eui], minutes, connected)
    found.sort(key=lambda one: (one.eui, one.start_us, one.kind))
    return Corroboration(gateways=gateways, found=tuple(found))


def _while_down(line: Timeline, minutes: Sequence[int]) -> Iterator[Contradiction]:
    """Yield the stretches called DOWN with minutes wholly inside in which there was an uplink."""
    for span in line.exceptions:
        if span.state is not GatewayState.DOWN:
            continue
        first = bisect_left(minutes, span.start_us)
        last = bisect_left(minutes, span.end_us - MINUTE_US + 1)
        if first < last:
            yield Contradiction(
                eui=line.eui,
                start_us=span.start_us,
                end_us=span.end_us,
                kind=Contradicts.HEARD_WHILE_DOWN,
                minutes=last - first,
            )


def _while_serving(
    line: Timeline, minutes: Sequence[int], connected: Collection[int]
) -> Iterator[Contradiction]:
    away = [(span.start_us, span.end_us) for span in line.exceptions]
    for start_us, end_us in complement(away, line.start_us, line.end_us):
        at = bisect_left(minutes, start_us)
        while at + 1 < len(minutes) and minutes[at + 1] < end_us:
            gap = (minutes[at] + MINUTE_US, minutes[at + 1])
            expected = _expected(minutes, gap) if gap[1] - gap[0] >= QUIET_US else 0
            if expected >= EXPECTED_MINUTES and _seen(gap, connected):
                yield Contradiction(
                    eui=line.eui,
                    start_us=gap[0],
                    end_us=gap[1],
                    kind=Contradicts.QUIET_WHILE_SERVING,
                    minutes=expected,
                )
            at += 1


def _expected(minutes: Sequence[int], gap: Interval) -> int:
    """Return how many minutes of a gap should have had an uplink, by the poorer of the days around it."""
    before = bisect_left(minutes, gap[0]) - bisect_left(minutes, gap[0] - AROUND_US)
    after = bisect_left(minutes, gap[1] + AROUND_US) - bisect_left(minutes, gap[1])
    return min(before, after) * (gap[1] - gap[0]) // AROUND_US


def _seen(gap: Interval, connected: Collection[int]) -> bool:
    """Return whether events of other gateways came in every whole hour of a gap."""
    hours = range(-(-gap[0] // HOUR_US) * HOUR_US, gap[1] // HOUR_US * HOUR_US, HOUR_US)
    return bool(hours) and all(hour in connected for hour in hours)
