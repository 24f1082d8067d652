"""Mirrors of tickets: their rows go one after the other for each ticket, and are tried for a month.

Two rows of one ticket at once would make two tickets in GLPI, and the older could overwrite the newer.  So a
row waits while an earlier one of its ticket and mirror is pending; other tickets and people do not wait.
A mirror that is down loses nothing: there is no limit of attempts, but one of age.

Sources: DESIGN §7 (GLPI and webhooks mirror tickets; our clocks stay the authority).
"""

from sqlalchemy import ColumnElement, select

from fleet.durations import SECOND_US
from fleet.notify.model import Channel
from fleet.notify.tables import outbox, outbox_tickets

MIRRORS = (Channel.WEBHOOK, Channel.GLPI)

LIFE_US = 30 * 24 * 3600 * SECOND_US
"""A mirror that was away for so long is filled anew, not caught up."""


def in_turn() -> ColumnElement[bool]:
    """Return the condition that nothing earlier of the same ticket waits for the same mirror."""
    earlier, mine, theirs = outbox.alias("earlier"), outbox_tickets.alias("mine"), outbox_tickets.alias()
    before = (
        select(earlier.c.id)
        .join(theirs, theirs.c.outbox_id == earlier.c.id)
        .join(mine, mine.c.ticket_id == theirs.c.ticket_id)
        .where(
            mine.c.outbox_id == outbox.c.id,
            earlier.c.channel == outbox.c.channel,
            earlier.c.state == "pending",
            earlier.c.id < outbox.c.id,
        )
        .correlate(outbox)
    )
    return outbox.c.channel.not_in(MIRRORS) | ~before.exists()
