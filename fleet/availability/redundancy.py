"""Effective redundancy: two members behind one cause of failure are one (AVAILABILITY §6).

A *failure domain* is a backhaul operator, a power feeder or a firmware wave.  A domain serves while any of
its members does; a commune is redundant in a kind of domain while two domains serve.
"""

from collections.abc import Mapping, Sequence

from fleet.availability.timeline import Timeline
from fleet.facts.intervals import Interval, clip, complement, deeper_than, intersect, normal
from fleet.facts.model import Membership
from fleet.facts.months import Window

UNKNOWN_DOMAIN = "?"
"""Members of which the domain is not known share one: what we do not know does not make us redundant."""


def below_two_domains(
    memberships: Sequence[Membership],
    lines: Mapping[str, Timeline],
    domain_of: Mapping[str, str],
    window: Window,
) -> list[Interval]:
    """Return when fewer than two failure domains of a commune served."""
    away: dict[str, list[Interval]] = {}
    for membership in memberships:
        domain = domain_of.get(membership.eui) or UNKNOWN_DOMAIN
        here = _away(membership, lines.get(membership.eui), window)
        away[domain] = intersect(away[domain], here) if domain in away else here
    if len(away) < 2:
        return [(window.start_us, window.end_us)] if window.length_us else []
    return deeper_than(len(away) - 2, [interval for one in away.values() for interval in one])


def _away(membership: Membership, line: Timeline | None, window: Window) -> list[Interval]:
    """Return when one member was not SERVING, or no member, within the window."""
    if line is None:
        return [(window.start_us, window.end_us)]
    until_us = window.end_us if membership.valid_to_us is None else membership.valid_to_us
    inside = clip([(membership.valid_from_us, until_us)], window.start_us, window.end_us)
    told = clip(inside, line.start_us, line.end_us)
    outside = complement(told, window.start_us, window.end_us)
    spans = ((span.start_us, span.end_us) for span in line.exceptions)
    return clip(normal([*spans, *outside]), window.start_us, window.end_us)
