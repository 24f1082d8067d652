"""When the members of a commune were away: one sweep over the edges of their timelines."""

from collections.abc import Mapping, Sequence
from itertools import chain

import msgspec

from fleet.availability.timeline import Timeline
from fleet.facts.intervals import Interval, clip, complement, edges_of, normal
from fleet.facts.model import Membership
from fleet.facts.months import Window


class Member(msgspec.Struct, frozen=True):
    """One gateway's part in a commune."""

    eui: str
    line: Timeline
    outside: Sequence[Interval]
    """Within the window: when it was no member, or its timeline tells nothing."""
    edges: Sequence[int]
    """When it was not SERVING, or outside: see ``depths``."""


def parts(memberships: Sequence[Membership], lines: Mapping[str, Timeline], window: Window) -> list[Member]:
    """Return the part of each member within the window; one without a timeline has none."""
    valid: dict[str, list[Interval]] = {}
    for membership in memberships:
        end_us = window.end_us if membership.valid_to_us is None else membership.valid_to_us
        valid.setdefault(membership.eui, []).append((membership.valid_from_us, end_us))
    members = []
    for eui in sorted(valid):
        line = lines.get(eui)
        if line is None:
            continue
        since_us, until_us = valid[eui][0]
        if max(since_us, line.start_us) <= window.start_us and window.end_us <= min(until_us, line.end_us):
            members.append(Member(eui, line, (), line.edges))
            continue
        inside = clip(normal(valid[eui]), window.start_us, window.end_us)
        if not inside:
            continue
        inside = clip(inside, line.start_us, line.end_us)
        outside = complement(inside, window.start_us, window.end_us)
        away = normal([*((span.start_us, span.end_us) for span in line.exceptions), *outside])
        members.append(Member(eui, line, outside, edges_of(away)))
    return members


def depths(members: Sequence[Member], window: Window) -> tuple[list[Interval], list[Interval]]:
    """Return when all members were away, and when fewer than two were not; one sweep over their edges.

    The edges are those of ``intervals.edges_of``: at one instant what ends comes first; touching intervals
    are joined again.
    """
    edges = sorted(chain.from_iterable(member.edges for member in members))
    all_away, but_one = len(members), len(members) - 1
    none_serving: list[Interval] = []
    below_two: list[Interval] = []
    none_since = one_since = window.start_us
    away = 0
    for edge in edges:
        if edge & 1:
            away += 1
            if away >= but_one:
                if away == all_away:
                    none_since = edge >> 1
                else:
                    one_since = edge >> 1
        else:
            if away >= but_one:
                if away == all_away:
                    none_serving.append((none_since, edge >> 1))
                else:
                    below_two.append((one_since, edge >> 1))
            away -= 1
    return _tidy(none_serving, window), _tidy(below_two, window) if but_one else whole_window(window)


def _tidy(found: list[Interval], window: Window) -> list[Interval]:
    """Return intervals that come in order within the window, those that touch joined."""
    tidy: list[Interval] = []
    last_us = -1
    for start_us, end_us in found:
        if start_us == last_us:
            tidy[-1] = (tidy[-1][0], end_us)
        else:
            tidy.append((start_us, end_us))
        last_us = end_us
    if tidy and (tidy[0][0] < window.start_us or tidy[-1][1] > window.end_us):
        return clip(tidy, window.start_us, window.end_us)
    return tidy


def any_away(members: Sequence[Member], window: Window) -> list[Interval]:
    """Return when at least one member was away."""
    away = [(span.start_us, span.end_us) for member in members for span in member.line.exceptions]
    outside = [interval for member in members for interval in member.outside]
    return clip(normal([*away, *outside]), window.start_us, window.end_us)


def whole_window(window: Window) -> list[Interval]:
    """Return the window as an interval set; an empty one holds nothing."""
    return [(window.start_us, window.end_us)] if window.length_us else []
