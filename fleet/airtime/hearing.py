"""Who hears nothing while its neighbours do, from the first day on: what heartbeats count, compared (pure).

The own past needs three days (``agent.hearing.expectation``) and a picture comes once an hour; heartbeats
tell how many frames came every 30 s.  A gateway of which the count stands still is silent since then.  Were
it as good as the middle one of its neighbours, it should have received what that one did.  Only
``TRUSTED_SHARE`` of that is counted on, and less where it received a smaller share before it fell silent:
``ENOUGH_EXPECTED`` frames must be missing, which by chance happens with exp(-20).  It changes no state: a
deaf radio is proved by the gateway alone (AVAILABILITY §1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import cos, hypot, radians
from statistics import median
from typing import Final, NamedTuple

from fleet.durations import MINUTE_US

LOOK_EVERY_US: Final = MINUTE_US
LOOKS_LIMIT: Final = 91
"""Looks that are remembered: an hour and a half; a longer silence is told as at least that long."""
RADIUS_M: Final = 10_000.0
"""Gateways further apart hear other sensors."""
NEIGHBOURS_LIMIT: Final = 8
NEIGHBOURS_LEAST: Final = 2
"""One neighbour alone may stand beside a sensor that talks all day."""
TRUSTED_SHARE: Final = 0.25
ENOUGH_EXPECTED: Final = 20.0
"""As ``agent.hearing.expectation``: sensors report together, and are removed together."""
DEGREE_M: Final = 111_320.0
"""Length of a degree of latitude."""


class Count(NamedTuple):
    """Frames that a gateway received since the start of a boot."""

    boot: int
    received: int


@dataclass(frozen=True, slots=True)
class Look:
    """The counts of all gateways that received at an instant."""

    at_us: int
    counts: Mapping[str, Count] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A gateway that receives nothing while its neighbours do."""

    since_us: int
    neighbours: int
    usual_frames: int
    """What the middle one of its neighbours received meanwhile."""


def near(places: Mapping[str, tuple[float, float]]) -> dict[str, tuple[str, ...]]:
    """Return the neighbours of each gateway, the nearest first; places are latitude and longitude in degrees.

    >>> near({"a": (47.0, 0.0), "b": (47.01, 0.0), "c": (48.0, 0.0)})["a"]
    ('b',)
    """
    step = RADIUS_M / DEGREE_M
    squares: dict[tuple[int, int], list[str]] = {}
    for eui, (lat, lon) in places.items():
        squares.setdefault((int(lat // step), int(lon // step)), []).append(eui)
    found = {}
    for eui, (lat, lon) in places.items():
        across = max(0.2, cos(radians(lat)))
        reach = int(1 / across) + 1
        row, column = int(lat // step), int(lon // step)
        others = [
            (hypot(places[one][0] - lat, (places[one][1] - lon) * across) * DEGREE_M, one)
            for down in (-1, 0, 1)
            for right in range(-reach, reach + 1)
            for one in squares.get((row + down, column + right), ())
            if one != eui
        ]
        within = sorted(other for other in others if other[0] <= RADIUS_M)
        found[eui] = tuple(one for _, one in within[:NEIGHBOURS_LIMIT])
    return found


def decide(looks: Sequence[Look], neighbours: Mapping[str, Sequence[str]]) -> dict[str, Silence]:
    """Return who is silent at the newest look although its neighbours are not."""
    if not looks:
        return {}
    found = {}
    for eui in looks[-1].counts:
        silence = _silence(looks, eui, neighbours.get(eui, ()))
        if silence is not None:
            found[eui] = silence
    return found


def _silence(looks: Sequence[Look], eui: str, neighbours: Sequence[str]) -> Silence | None:
    first = _silent_from(looks, eui)
    if first == len(looks) - 1:
        return None
    since, now = looks[first], looks[-1]
    grown = [got for other in neighbours if (got := _grown(since, now, other)) is not None]
    if len(grown) < NEIGHBOURS_LEAST:
        return None
    usual = median(grown)
    if usual * TRUSTED_SHARE * _share(looks[: first + 1], eui, neighbours) < ENOUGH_EXPECTED:
        return None
    return Silence(since_us=since.at_us, neighbours=len(grown), usual_frames=round(usual))


def _silent_from(looks: Sequence[Look], eui: str) -> int:
    """Return the index of the first look from which on the count stands still."""
    count, index = looks[-1].counts[eui], len(looks) - 1
    while index and looks[index - 1].counts.get(eui) == count:
        index -= 1
    return index


def _grown(since: Look, now: Look, eui: str) -> int | None:
    """Return what a gateway received between two looks; None: it was away, or began anew."""
    before, after = since.counts.get(eui), now.counts.get(eui)
    if before is None or after is None or before.boot != after.boot or after.received < before.received:
        return None
    return after.received - before.received


def _share(before: Sequence[Look], eui: str, neighbours: Sequence[str]) -> float:
    """Return its share of what the middle neighbour received before the silence, 1 at most or unknown."""
    own = _grown(before[0], before[-1], eui)
    grown = [got for other in neighbours if (got := _grown(before[0], before[-1], other)) is not None]
    usual = median(grown) if len(grown) >= NEIGHBOURS_LEAST else 0
    if not own or usual * TRUSTED_SHARE < ENOUGH_EXPECTED:
        return 1.0
    return min(1.0, own / usual)
