"""Whether a commune's losses and returns use up its month too fast to wait for the next one; pure.

The burn rates are those of ``fleet.availability.burn``; the two fastest call somebody.

Sources: AVAILABILITY §7 (1 h/5 min at 14.4, 6 h/30 min at 6, for 30 days); AMI 1.1 (99.2 % in each commune).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from fleet.availability.burn import FAST, FASTEST, burn_rate
from fleet.tickets.model import Criticality

CRITICALITIES = ((FASTEST, Criticality.CRITICAL), (FAST, Criticality.MAJOR))
LONGEST_WINDOW_US = max(pair.long_us for pair, _ in CRITICALITIES)


@dataclass(frozen=True, slots=True)
class Edge:
    """A loss or a return."""

    at_us: int
    lost: bool


def alarm(edges: tuple[Edge, ...], objective_ppm: int, now_us: int) -> Criticality | None:
    """Return how grave the present pace is; None when the month can bear it."""

    def lost_share(window_us: int) -> Fraction:
        return Fraction(lost_us(edges, now_us - window_us, now_us), window_us)

    for pair, criticality in CRITICALITIES:
        if burn_rate(pair, lost_share, objective_ppm, now_us).alerts:
            return criticality
    return None


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
