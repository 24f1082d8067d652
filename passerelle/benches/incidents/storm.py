"""1,615 gateways lost to one cause: how many incidents, how many messages, how soon, how readable."""

import time
from dataclasses import dataclass

from sqlalchemy import select

from fleet.db.connect import Database
from fleet.durations import SECOND_US
from fleet.facts.settings import DEFAULTS
from fleet.incidents.tables import incidents
from fleet.notify.tables import outbox
from fleet.response import cycle
from passerelle.benches.incidents import territory
from passerelle.benches.incidents.territory import NOON_US
from passerelle.figures import Figure

CYCLES = 150
"""Seconds of the network's time: 90 to confirm, and a minute to tell."""

READABLE_CHARACTERS = 1_500
"""Two screens of a phone; the first 100 characters decide."""


@dataclass(frozen=True, slots=True)
class Storm:
    """What came of it."""

    open_incidents: int
    messages: int
    per_person: int
    first_after_s: float
    longest_characters: int
    slowest_cycle_ms: float
    slowest_cycle_cpu_ms: float


def figures(peer: int | None) -> list[Figure]:
    """Run the storm through the real cycle on SQLite."""
    with territory.database() as database:
        found = _run(database)
    how = "1,615 gateways silent within one heartbeat interval, one cycle a second, SQLite, virtual time"
    am = "alertmanager, grouped by commune"
    return [
        Figure(name="incidents of one mass outage", value=found.open_incidents, unit="", target=1, how=how),
        Figure(
            name="messages per person",
            value=found.per_person,
            unit="",
            target=1,
            peer=am,
            peer_value=peer,
            how=f"{found.messages} messages to {territory.PEOPLE} people on call",
        ),
        Figure(
            name="message out after confirmation", value=found.first_after_s, unit="s", target=30, how=how
        ),
        Figure(
            name="longest message",
            value=found.longest_characters,
            unit="characters",
            target=READABLE_CHARACTERS,
        ),
        Figure(
            name="slowest cycle, CPU",
            value=found.slowest_cycle_cpu_ms,
            unit="ms",
            target=500,
            how="of its thread: what else the machine does is not counted; half of the second that it has",
        ),
        Figure(
            name="slowest cycle, elapsed",
            value=found.slowest_cycle_ms,
            unit="ms",
            target=None,
            how="with whatever else the machine does",
        ),
    ]


def _run(database: Database) -> Storm:
    calm = territory.network(NOON_US)
    territory.fill(database, calm)
    slowest = slowest_cpu = 0.0
    lost_us = NOON_US + 30 * SECOND_US
    with database.write() as connection:
        cycle.run(connection, calm, NOON_US)
    for second in range(CYCLES):
        now_us = lost_us + second * SECOND_US
        network = territory.silenced(calm, now_us, lost_us)
        began, began_cpu = time.perf_counter(), time.thread_time()
        with database.write() as connection:
            cycle.run(connection, network, now_us)
        slowest = max(slowest, time.perf_counter() - began)
        slowest_cpu = max(slowest_cpu, time.thread_time() - began_cpu)
    last_words = [one.last_word_us for one in territory.silenced(calm, lost_us, lost_us).gateways.values()]
    first_us = min(one for one in last_words if one is not None)
    with database.read() as connection:
        opened = connection.execute(select(incidents.c.id).where(incidents.c.state == "open")).all()
        rows = connection.execute(select(outbox)).all()
    people = [row.person_id for row in rows]
    return Storm(
        open_incidents=len(opened),
        messages=len(rows),
        per_person=max(people.count(one) for one in set(people)),
        first_after_s=(max(row.created_at_us for row in rows) - first_us - DEFAULTS.silence_confirmed_us)
        / 1e6,
        longest_characters=max(len(row.text) for row in rows),
        slowest_cycle_ms=slowest * 1_000,
        slowest_cycle_cpu_ms=slowest_cpu * 1_000,
    )
