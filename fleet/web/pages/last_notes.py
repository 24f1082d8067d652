"""What one gateway told last: details of its health, its picture of the air."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from fleet.evidence.tables import notes
from fleet.web.rendering import Words
from fleet.web.views.measures import channels_of, measures_of

DETAILS, PICTURE = "details", "rf_picture"


def last_note(connection: Connection, eui: str, name: str) -> tuple[int, Mapping[str, Any]]:
    """Return the newest event of that name and when it was; 0 and nothing if there is none."""
    query = select(notes.c.at_us, notes.c.fields).where(notes.c.eui == eui, notes.c.name == name)
    row = connection.execute(query.order_by(notes.c.recorded_at_us.desc()).limit(1)).first()
    return (0, {}) if row is None else (row.at_us, row.fields)


def last_measures(words: Words, connection: Connection, eui: str) -> dict[str, Any]:
    """Return what the gateway's page shows of it."""
    details_us, details = last_note(connection, eui, DETAILS)
    picture_us, picture = last_note(connection, eui, PICTURE)
    return {
        "measures": measures_of(words, details),
        "measured_us": details_us,
        "channels": channels_of(words, picture),
        "pictured_us": picture_us,
    }
