"""What a gateway's page shows of measures: the newest ones in groups, and pictures of them over a window."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, select

from fleet.airtime.spans import load_heard
from fleet.availability.timeline import Timeline
from fleet.durations import DAY_US, HOUR_US, SECOND_US
from fleet.evidence.tables import notes, vitals
from fleet.evidence.vitals import Sums, merged
from fleet.web.rendering import Words
from fleet.web.views import measured
from fleet.web.views.curves import Curve, Steps
from fleet.web.views.measures import channels_of, groups_of, occupied_of
from fleet.web.views.timeline import window_of

DETAILS, PICTURE, OCCUPIED = "details", "rf_picture", "lbt_blocked"
OCCUPIED_WITHIN_US: Final = DAY_US
"""Downlinks that found their channel occupied are counted over this."""
STEPS_US: Final[Mapping[str, int]] = {"24h": HOUR_US, "7j": 6 * HOUR_US, "mois": DAY_US}
"""How long a step of a picture is, by its window; the window of an hour shows the day."""
PAST_US: Final[Mapping[str, int]] = {"24h": 4 * DAY_US, "7j": 7 * DAY_US, "mois": 28 * DAY_US}
"""How far back the own past goes that a window is compared with."""
RHYTHM_US: Final[Mapping[str, int]] = {"24h": DAY_US, "7j": DAY_US, "mois": 7 * DAY_US}
"""After this the past repeats: an hour is compared with that hour, a day with that day of the week."""
COMPARED_US: Final = 7 * DAY_US
COMPARED_LIMIT: Final = 400
"""Details that the newest are compared with, at most: four a day of a week and what changed out of turn."""
COMPARED_ROWS: Final = 28
"""…and how many of them are read: four a day."""


def last_note(connection: Connection, eui: str, name: str) -> tuple[int, Mapping[str, Any]]:
    """Return the newest event of that name and when it was; 0 and nothing if there is none."""
    query = select(notes.c.at_us, notes.c.fields).where(notes.c.eui == eui, notes.c.name == name)
    row = connection.execute(query.order_by(notes.c.recorded_at_us.desc()).limit(1)).first()
    return (0, {}) if row is None else (row.at_us, row.fields)


def last_measures(words: Words, connection: Connection, eui: str) -> dict[str, Any]:
    """Return what the gateway's page shows of its newest measures."""
    details_us, details = last_note(connection, eui, DETAILS)
    picture_us, picture = last_note(connection, eui, PICTURE)
    earlier = _earlier(connection, eui, details_us) if details else []
    return {
        "measures": groups_of(words, details, earlier),
        "measured_us": details_us,
        "channels": channels_of(words, picture),
        "occupied": occupied_of(words, _occupied(connection, eui, words.now_us)),
        "pictured_us": picture_us,
    }


def _earlier(connection: Connection, eui: str, newest_us: int) -> list[Mapping[str, Any]]:
    """Return some details of the week before the newest, spread over it."""
    note = notes.c
    mine = (note.eui == eui) & (note.name == DETAILS) & (note.recorded_at_us >= newest_us - COMPARED_US)
    query = (
        select(note.boot, note.seq).where(mine, note.at_us < newest_us).order_by(note.recorded_at_us.desc())
    )
    known = connection.execute(query.limit(COMPARED_LIMIT)).all()
    every = -(-len(known) // COMPARED_ROWS) or 1
    return [
        connection.execute(
            select(note.fields).where(note.eui == eui, note.boot == boot, note.seq == seq)
        ).scalar_one()
        for boot, seq in known[::every]
    ]


def _occupied(connection: Connection, eui: str, now_us: int) -> list[Mapping[str, Any]]:
    query = select(notes.c.fields).where(
        notes.c.eui == eui, notes.c.name == OCCUPIED, notes.c.recorded_at_us >= now_us - OCCUPIED_WITHIN_US
    )
    return [row.fields for row in connection.execute(query)]


def window_shown(window: str) -> str:
    """Return the window of the pictures: an hour has too few steps, the day is shown."""
    return window if window in STEPS_US else "24h"


def curves_of(
    words: Words, connection: Connection, eui: str, window: str, line: Timeline | None
) -> list[Curve]:
    """Return the pictures of a window, outages behind each."""
    name = window_shown(window)
    from_us, until_us = window_of(name, words.now_us)
    steps = Steps(from_us=from_us, until_us=until_us, step_us=STEPS_US[name])
    heard = load_heard(connection, eui, from_us - PAST_US[name], until_us, steps.step_us)
    return measured.curves(
        words,
        steps,
        heard=heard,
        rhythm_us=RHYTHM_US[name],
        vitals=_vitals(connection, eui, steps),
        outages=measured.outages_of(line, until_us),
    )


def _vitals(connection: Connection, eui: str, steps: Steps) -> dict[int, Sums]:
    """Return health details by the step of their middle: days of Paris begin before those of UTC."""
    table, first_us = vitals.c, steps.starts.start
    query = select(table.from_at_us, table.span_s, table.told).where(
        table.eui == eui,
        table.from_at_us >= first_us - steps.step_us,
        table.from_at_us < steps.until_us,
    )
    found: dict[int, Sums] = {}
    for row in connection.execute(query):
        middle_us = row.from_at_us + row.span_s * SECOND_US // 2
        step_us = middle_us // steps.step_us * steps.step_us
        if step_us >= first_us:
            found[step_us] = merged(found.get(step_us, {}), row.told)
    return found
