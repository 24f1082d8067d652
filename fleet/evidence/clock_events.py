"""What happened to our clock, stored: starts, steps of the host's clock, what ours did, what it was worth."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Row, delete, func, insert, select

from fleet.evidence.tables import clock_events
from fleet.evidence.timekeeping import ClockQuality

EVENTS_KEPT = 1_000
"""Newest events that are kept."""
SHOWN_LIMIT = 20


class ClockChange(StrEnum):
    """What an event tells."""

    BEGAN = "began"
    """A process began; ``from_us`` is our newest instant before."""
    QUALITY = "quality"
    """What our clock is worth changed; ``difference_us`` is how far the host's clock is ahead."""
    FOLLOWED = "followed"
    """Ours followed the host's by ``shift_us``; what we dated from ``from_us`` on moved with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockEvent:
    """One event; instants are our UTC as it was then."""

    at_us: int
    change: ClockChange
    quality: ClockQuality
    difference_us: int = 0
    shift_us: int = 0
    from_us: int | None = None


def note_event(connection: Connection, event: ClockEvent) -> int:
    """Write one event and return its number; the oldest give way."""
    values = {name: getattr(event, name) for name in event.__slots__}
    values["from_at_us"] = values.pop("from_us")
    number = connection.execute(insert(clock_events).values(values).returning(clock_events.c.id)).scalar_one()
    connection.execute(delete(clock_events).where(clock_events.c.id <= number - EVENTS_KEPT))
    return int(number)


def newest_number(connection: Connection) -> int:
    """Return the number of the newest event; 0: there is none."""
    return connection.scalar(select(func.max(clock_events.c.id))) or 0


def events_after(connection: Connection, number: int) -> list[ClockEvent]:
    """Return the events after one of them, oldest first."""
    query = select(clock_events).where(clock_events.c.id > number).order_by(clock_events.c.id)
    return [_event(row) for row in connection.execute(query)]


def newest_events(connection: Connection, limit: int = SHOWN_LIMIT) -> list[ClockEvent]:
    """Return the newest events, newest first."""
    query = select(clock_events).order_by(clock_events.c.id.desc()).limit(limit)
    return [_event(row) for row in connection.execute(query)]


def wrong_from(connection: Connection, from_us: int, shift_us: int) -> int:
    """Return from when on what we dated is to move, so that nothing moves before what was dated earlier.

    A process that began where one before it, with which no gateway agreed, had left off continued its clock:
    what that one dated moves too.
    """
    table = clock_events.c
    starts = connection.execute(
        select(clock_events).where(table.change == ClockChange.BEGAN).order_by(table.id.desc())
    ).all()
    for index, start in enumerate(starts):
        if start.at_us > from_us:
            continue
        if start.at_us < from_us or start.from_at_us is None or from_us + shift_us >= start.from_at_us:
            return from_us
        before = connection.scalar(
            select(table.quality).where(table.id < start.id).order_by(table.id.desc()).limit(1)
        )
        if index + 1 == len(starts) or before == ClockQuality.AGREED:
            return from_us
        from_us = starts[index + 1].at_us
    return from_us


def _event(row: Row[tuple[object, ...]]) -> ClockEvent:
    return ClockEvent(
        at_us=row.at_us,
        change=ClockChange(row.change),
        quality=ClockQuality(row.quality),
        difference_us=row.difference_us,
        shift_us=row.shift_us,
        from_us=row.from_at_us,
    )
