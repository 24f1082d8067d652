"""What planned works may exclude: recorded in time, and within the caps (AVAILABILITY §5); pure.

What was announced weighs, not what was used: a window that covers a week uses up the month's cap in its first
hours, whatever fails later.  A window that was withdrawn after it had begun excludes nothing more and still
weighs.  Caps are counted in order of time, per month and year of Paris.  The door for works
(``fleet.works.announce``) keeps the caps of the whole network: a commune depends on its own members alone.
"""

from collections.abc import Iterable, Mapping, Sequence

from fleet.facts.intervals import Interval, intersect, normal
from fleet.facts.model import Maintenance, Membership
from fleet.facts.months import month_window, months_between
from fleet.facts.settings import ContractSettings


def excused(
    window: Maintenance, revisions: Sequence[Maintenance], settings: ContractSettings
) -> list[Interval]:
    """Return the part of a window that was recorded early enough, by this or an earlier revision.

    What was withdrawn is no announcement any more: after it only later revisions count.
    """
    if window.withdrawn or not window.approved_by:
        return []
    mine = [one for one in revisions if one.id == window.id]
    withdrawn_us = max((one.recorded_at_us for one in mine if one.withdrawn), default=None)
    announced = normal(
        (one.start_us, one.end_us)
        for one in mine
        if _in_time(one, settings) and (withdrawn_us is None or one.recorded_at_us > withdrawn_us)
    )
    return intersect(announced, normal([(window.start_us, window.end_us)]))


def allowances(
    members: Mapping[str, Sequence[Membership]],
    works: Mapping[str, Sequence[Maintenance]],
    settings: ContractSettings,
) -> dict[str, list[Interval]]:
    """Return when works may exclude time of each commune; ``works``: by gateway, all of the year so far.

    A commune without works is not in it.
    """
    found = {}
    for insee, rows in members.items() if any(works.values()) else ():
        mine = [one for eui in sorted({row.eui for row in rows}) for one in works.get(eui, ())]
        if mine:
            found[insee] = of_commune(mine, settings)
    return found


def of_whole(allowed: Mapping[str, Sequence[Interval]], weights: Mapping[str, int]) -> dict[str, int]:
    """Return what works may exclude of the whole network, by month (``2026-10``) and by year (``2026``).

    In microseconds of the whole service, communes weighted, rounded up: the door for works compares it with
    ``maintenance_whole_cap_us`` and ``maintenance_whole_year_cap_us``.
    """
    used: dict[str, int] = {}
    for insee, spans in allowed.items():
        for month, start_us, end_us in _by_month(spans):
            for name in (month, month[:4]):
                used[name] = used.get(name, 0) + weights.get(insee, 0) * (end_us - start_us)
    whole = sum(weights.values())
    return {name: -(-amount // whole) for name, amount in used.items()} if whole else {}


def of_commune(works: Iterable[Maintenance], settings: ContractSettings) -> list[Interval]:
    """Return when the works on a commune's gateways may exclude its time, by its own caps."""
    by_id: dict[str, list[Maintenance]] = {}
    for one in dict.fromkeys(works):
        by_id.setdefault(one.id, []).append(one)
    kept = [span for revisions in by_id.values() for span in _weighing(revisions, settings)]
    used: dict[str, int] = {}
    allowed: list[Interval] = []
    for month, start_us, end_us in _by_month(normal(kept)):
        caps = {month: settings.maintenance_cap_us, month[:4]: settings.maintenance_year_cap_us}
        left_us = min(cap_us - used.get(name, 0) for name, cap_us in caps.items())
        until_us = min(end_us, start_us + left_us)
        for name in caps:
            used[name] = used.get(name, 0) + until_us - start_us
        if start_us < until_us:
            allowed.append((start_us, until_us))
    return normal(allowed)


def _weighing(revisions: Sequence[Maintenance], settings: ContractSettings) -> list[Interval]:
    """Return the announced time of one window: a withdrawal takes back only what had not begun."""
    found: list[Interval] = []
    for one in revisions:
        if one.withdrawn or not _in_time(one, settings):
            continue
        later = [
            other.recorded_at_us
            for other in revisions
            if other.withdrawn and other.recorded_at_us > one.recorded_at_us
        ]
        if one.start_us < min(later, default=one.end_us):
            found.append((one.start_us, one.end_us))
    return normal(found)


def _in_time(one: Maintenance, settings: ContractSettings) -> bool:
    return bool(one.approved_by) and one.recorded_at_us + settings.maintenance_notice_us <= one.start_us


def _by_month(intervals: Iterable[Interval]) -> list[tuple[str, int, int]]:
    """Return intervals cut where a month of Paris ends, each with its month."""
    return [
        (month, max(start_us, month_window(month).start_us), min(end_us, month_window(month).end_us))
        for start_us, end_us in intervals
        for month in months_between(start_us, end_us)
    ]
