"""Effective redundancy: two members behind one cause of failure are one (AVAILABILITY §6); the sensors' view.

A *failure domain* is a backhaul operator, a power feeder or a firmware wave.  A domain serves while any of
its members does; a commune is redundant in a kind of domain while two domains serve.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fleet.availability.communes import commune_timeline
from fleet.availability.facts import Membership
from fleet.availability.figures import Share, commune_figures, whole
from fleet.availability.intervals import Interval, clip, complement, deeper_than, intersect, normal
from fleet.availability.months import Window
from fleet.availability.settings import ContractSettings
from fleet.availability.timeline import Timeline

UNKNOWN_DOMAIN = "?"
"""Members of which the domain is not known share one: what we do not know does not make us redundant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorFigures:
    """The promise of redundancy is per sensor: each can reach two gateways."""

    any_coverer: Share
    """Time times sensors with at least one coverer SERVING."""
    below_two: int
    """Time times sensors with fewer than two coverers SERVING."""
    sensors: int


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


def sensor_figures(
    coverers: Mapping[frozenset[str], int],
    lines: Mapping[str, Timeline],
    window: Window,
    settings: ContractSettings,
) -> SensorFigures:
    """Return the figures by sensor; ``coverers`` counts the sensors that the same gateways hear."""
    figures, weights, below_two = [], {}, 0
    for number, (euis, sensors) in enumerate(sorted(coverers.items(), key=lambda pair: sorted(pair[0]))):
        name = str(number)
        members = [
            Membership(
                id=f"{name}/{eui}",
                commune_insee=name,
                eui=eui,
                valid_from_us=window.start_us,
                approved_by="sketches",
                recorded_at_us=window.start_us,
            )
            for eui in sorted(euis)
        ]
        one = commune_figures(commune_timeline(name, members, lines, window, settings), settings)
        figures.append(one)
        weights[name] = sensors
        below_two += one.below_two_us * sensors
    return SensorFigures(
        any_coverer=whole(figures, weights), below_two=below_two, sensors=sum(weights.values())
    )
