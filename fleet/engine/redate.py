"""When our clock follows the host's, what we dated while it was wrong moves with it.

``DATED`` are instants that we gave by our own clock and that decide figures or show freshness: they move
whatever the direction.  ``DUE`` are instants at which something is to happen: they move backwards only, for
what happens early does no harm.  Everything else stays as people were told it at the time: tickets, messages,
the audit trail, what people entered.  A test holds that every instant of every table is in one of the three.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, Table, update

from fleet.evidence.clock_events import ClockChange
from fleet.evidence.tables import (
    blindness,
    clock_events,
    deliveries,
    heard,
    heartbeat_runs,
    incoherences,
    journal_records,
    latest,
    marks,
    notes,
    presence_edges,
    quarantines,
    refused_messages,
    reported_configurations,
)
from fleet.evidence.timekeeping import Adoption
from fleet.notify.tables import outbox
from fleet.rollouts.tables import rollout_gateways, rollouts
from fleet.tickets.tables import timers

DATED: Mapping[Table, tuple[str, ...]] = {
    blindness: ("from_at_us", "until_at_us", "recorded_at_us"),
    deliveries: ("recorded_at_us",),
    heard: ("recorded_at_us",),
    incoherences: ("last_at_us",),
    heartbeat_runs: ("first_at_us", "last_at_us", "recorded_at_us"),
    journal_records: ("recorded_at_us",),
    latest: ("presence_at_us", "heartbeat_at_us"),
    marks: ("at_us",),
    notes: ("recorded_at_us",),
    quarantines: ("began_at_us", "ended_at_us", "beyond_at_us", "recorded_at_us"),
    presence_edges: ("recorded_at_us",),
    refused_messages: ("recorded_at_us",),
    reported_configurations: ("recorded_at_us",),
    rollouts: ("wave_since_us", "since_us", "looked_at_us"),
    rollout_gateways: ("since_us",),
}
DUE: Mapping[Table, tuple[str, ...]] = {
    outbox: ("due_at_us", "leased_until_us"),
    timers: ("due_at_us",),
}
GIVEN_BY_GATEWAYS = ("first_at_us", "last_at_us")
"""Instants of a run that stay where they came from a gateway's own clock."""


def redate(connection: Connection, adoption: Adoption) -> None:
    """Move what we dated after ``adoption.from_us``, and the blindness that ended there.

    What was received at that very instant was received before the clock was seen to be another.
    """
    from_us, shift_us = adoption.from_us, adoption.shift_us
    for table, columns in DATED.items():
        _move(connection, table, columns, from_us, shift_us)
    began = clock_events.c.change == ClockChange.BEGAN
    mine = update(clock_events).where(began, clock_events.c.at_us >= from_us)
    connection.execute(mine.values(at_us=clock_events.c.at_us + shift_us))
    if shift_us < 0:
        for table, columns in DUE.items():
            _move(connection, table, columns, from_us, shift_us)


def _move(
    connection: Connection, table: Table, columns: tuple[str, ...], from_us: int, shift_us: int
) -> None:
    ours = table.c.trusted.is_(False) if table is heartbeat_runs else None
    for name in columns:
        column = table.c[name]
        after = column >= from_us if table is blindness else column > from_us
        statement = update(table).where(after)
        if ours is not None and name in GIVEN_BY_GATEWAYS:
            statement = statement.where(ours)
        connection.execute(statement.values({name: column + shift_us}))
