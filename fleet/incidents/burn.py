"""How fast a commune uses up its month: burn rates over a long and a short window; pure.

Sources: AVAILABILITY §7 (1 h/5 min at 14.4, 6 h/30 min at 6, for 30 days); AMI 1.1 (99.2 % in each commune).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from fleet.durations import HOUR_US, MINUTE_US
from fleet.tickets.model import Criticality

ALLOWED_LOSS = Fraction(8, 1000)
"""Of each commune's month (AMI 1.1: 99.2 %)."""

LONGEST_WINDOW_US = 6 * HOUR_US


@dataclass(frozen=True, slots=True)
class Edge:
    """A loss or a return."""

    at_us: int
    lost: bool


@dataclass(frozen=True, slots=True)
class Alarm:
    """Both windows must burn faster than ``factor`` times the allowed pace."""

    long_us: int
    short_us: int
    factor: Fraction
    criticality: Criticality


ALARMS = (
    Alarm(HOUR_US, 5 * MINUTE_US, Fraction(144, 10), Criticality.CRITICAL),
    Alarm(6 * HOUR_US, 30 * MINUTE_US, Fraction(6), Criticality.MAJOR),
)


def lost_us(edges: Iterable[Edge], from_us: int, until_us: int) -> int:
    """Return how long the subject was lost in the window; before its first edge it was the opposite.

    >>> lost_us([Edge(10, True), Edge(15, False), Edge(18, True)], 0, 20)
    7
    """
    total, since_us, lost = 0, from_us, None
    for edge in edges:
        if lost is None:
            lost = not edge.lost
        if edge.at_us > from_us:
            at_us = min(edge.at_us, until_us)
            total += at_us - since_us if lost else 0
            since_us = at_us
        lost = edge.lost
    return total + (until_us - since_us if lost else 0)


def alarm(edges: tuple[Edge, ...], now_us: int) -> Criticality | None:
    """Return how grave the present pace is; None when the month can bear it."""
    for one in ALARMS:
        rates = [
            Fraction(lost_us(edges, now_us - window_us, now_us), window_us) / ALLOWED_LOSS
            for window_us in (one.long_us, one.short_us)
        ]
        if all(rate >= one.factor for rate in rates):
            return one.criticality
    return None
