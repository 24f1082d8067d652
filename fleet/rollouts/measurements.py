"""What was measured of two groups of gateways, now and on the days before; every query of it, all bounded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, func, select

from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.evidence.deliveries import SLOT_US, SLOTS
from fleet.evidence.tables import delivered_frames, heartbeat_runs, vitals
from fleet.evidence.vitals import HOUR_S
from fleet.rollouts.judge import Evidence, Measured, Metric

MILLISECOND_US = 1_000
USUAL_DAYS = 7
GROUP_LIMIT = 100
"""Gateways of each group; more would tell little and cost the engine its second."""
LATE_US = 15 * MINUTE_US
"""Proofs of delivery come every 5 minutes; what was received later than this ago may still be on its way."""
LEVELS = {Metric.RTT: "backhaul_rtt_ms", Metric.MEMORY: "memory_percent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The hours that are compared, of at most one day, and from which day before on they are usual."""

    from_us: int
    until_us: int
    first_day_back: int

    @property
    def before(self) -> list[tuple[int, int]]:
        """The same hours of each day before the change."""
        days = range(self.first_day_back, self.first_day_back + USUAL_DAYS)
        return [(self.from_us - day * DAY_US, self.until_us - day * DAY_US) for day in days]


def span_of(watched_from_us: int, changed_us: int, now_us: int) -> Span:
    """Return the hours to compare: a wave's last day of being watched; ``changed_us``: before any change."""
    until_us = (now_us - LATE_US) // SLOT_US * SLOT_US
    from_us = max(-(-watched_from_us // SLOT_US) * SLOT_US, until_us - DAY_US)
    first_day_back = max(1, -(-(until_us - changed_us) // DAY_US))
    return Span(from_us=from_us, until_us=max(from_us, until_us), first_day_back=first_day_back)


def measure(
    connection: Connection, span: Span, wave: Sequence[str], control: Sequence[str]
) -> dict[Metric, Evidence]:
    """Return every metric of both groups, of ``GROUP_LIMIT`` gateways each."""
    groups = (wave[:GROUP_LIMIT], control[:GROUP_LIMIT])
    euis = [eui for group in groups for eui in group]
    found = {
        Metric.FRAMES: _frames(connection, span, euis),
        Metric.RESTARTS: _restarts(connection, span, euis),
        **{metric: _levels(connection, span, euis, name) for metric, name in LEVELS.items()},
    }
    return {
        metric: Evidence(wave=[of[eui] for eui in groups[0]], control=[of[eui] for eui in groups[1]])
        for metric, of in found.items()
    }


def _frames(connection: Connection, span: Span, euis: Sequence[str]) -> dict[str, Measured]:
    """A day without a row had no frame; before a gateway's first row there was nothing to observe."""
    table, oldest_us = delivered_frames.c, span.before[-1][0]
    days = table.day_number.between(oldest_us // DAY_US, span.until_us // DAY_US)
    query = select(table.eui, table.day_number, table.slots).where(table.eui.in_(euis), days)
    slots: dict[str, dict[int, list[int]]] = {eui: {} for eui in euis}
    for eui, day, counts in connection.execute(query):
        slots[eui][day] = counts

    def frames(eui: str, from_us: int, until_us: int) -> float | None:
        numbers = range(from_us // SLOT_US, until_us // SLOT_US)
        mine = slots[eui]
        if not mine or not numbers or numbers[0] // SLOTS < min(mine):
            return None
        empty = [0] * SLOTS
        return sum(mine.get(number // SLOTS, empty)[number % SLOTS] for number in numbers)

    return _measured(span, euis, frames)


def _restarts(connection: Connection, span: Span, euis: Sequence[str]) -> dict[str, Measured]:
    """Boots by their start: a heartbeat less its uptime.  Days before the first say nothing."""
    table, oldest_us = heartbeat_runs.c, span.before[-1][0]
    start_us = func.min(table.first_at_us - table.first_uptime_ms * MILLISECOND_US)
    query = (
        select(table.eui, start_us)
        .where(table.eui.in_(euis), table.last_at_us >= oldest_us)
        .group_by(table.eui, table.boot)
    )
    starts: dict[str, list[int]] = {eui: [] for eui in euis}
    for eui, at_us in connection.execute(query):
        starts[eui].append(at_us)

    def boots(eui: str, from_us: int, until_us: int) -> float | None:
        if not starts[eui] or min(starts[eui]) >= until_us or from_us == until_us:
            return None
        return sum(from_us <= at_us < until_us for at_us in starts[eui])

    return _measured(span, euis, boots)


def _levels(connection: Connection, span: Span, euis: Sequence[str], name: str) -> dict[str, Measured]:
    """Averages of whole hours."""
    averages: dict[tuple[str, int], float] = {}
    for from_us, until_us in [(span.from_us, span.until_us), *span.before]:
        for row in connection.execute(_averages(name, euis, from_us, until_us)):
            if row.mean is not None:
                averages[row.eui, from_us] = float(row.mean)
    return _measured(span, euis, lambda eui, from_us, _: averages.get((eui, from_us)))


def _averages(name: str, euis: Sequence[str], from_us: int, until_us: int) -> Select[tuple[str, float]]:
    table = vitals.c
    hours = table.from_at_us.between(from_us, until_us - HOUR_US)
    mean = (func.sum(_number(name, 1)) * 1.0 / func.sum(_number(name, 0))).label("mean")
    mine = table.eui.in_(euis) & (table.span_s == HOUR_S)
    return select(table.eui, mean).where(mine, hours).group_by(table.eui)


def _number(name: str, position: int) -> ColumnElement[int]:
    found: ColumnElement[int] = vitals.c.told[(name, position)].as_integer()
    return found


def _measured(
    span: Span, euis: Sequence[str], of: Callable[[str, int, int], float | None]
) -> dict[str, Measured]:
    found: Mapping[str, list[float | None]] = {
        eui: [of(eui, from_us, until_us) for from_us, until_us in span.before] for eui in euis
    }
    return {
        eui: Measured(
            now=of(eui, span.from_us, span.until_us),
            usual=tuple(one for one in found[eui] if one is not None),
        )
        for eui in euis
    }
