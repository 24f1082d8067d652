"""The facts of one gateway that can decide a window: what a month's export keeps; pure.

What a boot's facts outside the window say reaches into it: an LNS outage has one cause over its whole length,
a reason stands until the state changes, heartbeats of both sides place a record.  Boots that were alive, or
dead, in the window are kept, then those that decide how one of them ended or began: the start that ended it,
the life before it, and two boxes at once.  Of a boot that is kept, only what lies before its last serving run
before the window is left out (``condense``).  Records of a boot that was never heard live prove nothing yet;
they are kept, because its first heartbeat may still be under way.

Sources: AVAILABILITY §1 (bridging), §2 (causes), §10 (incremental equals from scratch).
"""

from collections.abc import Sequence
from dataclasses import replace

from fleet.availability.compaction import compacted
from fleet.availability.history import FOR_EVER_US, predecessors
from fleet.availability.points import Life, lives
from fleet.facts.model import GatewayFacts
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS, ContractSettings


def relevant(facts: GatewayFacts, window: Window, settings: ContractSettings = DEFAULTS) -> GatewayFacts:
    """Return the facts with which the window's timeline is the same as with all of them."""
    delivered = tuple(
        fact
        for fact in facts.delivered
        if fact.received_until_us > window.start_us and fact.received_from_us < window.end_us
    )
    found = lives(facts.runs, facts.journal, settings)
    boots = {found[index].boot for index in _deciding(found, window, settings)}
    boots.update(fact.boot for fact in delivered)
    heard = {run.boot for run in facts.runs}
    kept = replace(
        facts,
        runs=tuple(run for run in facts.runs if run.boot in boots),
        journal=tuple(fact for fact in facts.journal if fact.boot in boots or fact.boot not in heard),
        delivered=delivered,
    )
    return compacted(kept, window.start_us)


def _deciding(found: Sequence[Life], window: Window, settings: ContractSettings) -> range:
    """Return the lives, in order of start, between the first and the last that can decide the window."""
    if not found:
        return range(0)
    before, alive = predecessors(found, settings)
    ends_us = _ends(found, before, alive)
    touching = [
        index
        for index, life in enumerate(found)
        if min(life.start_us, life.points[0].at_us) <= window.end_us and ends_us[index] >= window.start_us
    ]
    first, last = _overlapping(touching, alive)
    after = next((i for i, life in enumerate(found) if life.start_us > window.end_us), len(found) - 1)
    last = max(after, min(last + 1, len(found) - 1))
    named = [other for other in before[first : last + 1] if other is not None]
    first = min([max(first - 1, 0), *named])
    last = max([last, *(i for i, other in enumerate(before) if other is not None and first <= other < last)])
    return range(first, last + 1)


def _ends(found: Sequence[Life], before: Sequence[int | None], alive: Sequence[Life]) -> list[int]:
    """Return until when each life, or its death, may last: the next start, or the one that names it."""
    starts_us = [life.start_us for life in found]
    ends_us = [
        max(life.last_us, next_us) for life, next_us in zip(alive, [*starts_us[1:], FOR_EVER_US], strict=True)
    ]
    for index, other in enumerate(before):
        if other is not None:
            ends_us[other] = max(ends_us[other], starts_us[index])
    return ends_us


def _overlapping(touching: Sequence[int], alive: Sequence[Life]) -> tuple[int, int]:
    """Return the first and last of ``touching`` and of every life that was alive while one of them was."""
    if not touching:
        return 0, 0
    wanted, group_of, reached_us = set(touching), 0, None
    grouped: list[tuple[int, int]] = []
    for start_us, end_us, index in sorted(
        (life.points[0].at_us, life.last_us, index) for index, life in enumerate(alive)
    ):
        group_of += reached_us is not None and start_us > reached_us
        reached_us = end_us if reached_us is None else max(reached_us, end_us)
        grouped.append((group_of, index))
    groups = [group for group, index in grouped if index in wanted]
    first, last = min(groups), max(groups)
    reached = [index for group, index in grouped if first <= group <= last]
    return min(reached), max(reached)
