"""An SMS of a number that nobody of ours has: the main courante keeps it, so that somebody reads it.

It may be a technician who answers from another telephone: « OK » of a stranger changes no ticket, and it is
not lost.
"""

from sqlalchemy import Connection

from fleet.durations import DAY_US
from fleet.intake.reading import REPLY_LIMIT_CHARACTERS
from fleet.lang.i18n import t
from fleet.lang.phones import e164_of_sender
from fleet.lang.text import one_line
from fleet.shift import log as shift
from fleet.shift.log import EntryKind

ENTRIES_LIMIT = 5
"""Entries of one sender in a day: a telephone that repeats itself does not fill the main courante."""


def note(connection: Connection, sender: str, text: str, now_us: int) -> bool:
    """Write what a stranger sent into the main courante; False at the limit of that sender."""
    who = e164_of_sender(sender) or one_line(sender) or "?"
    if shift.count_by(connection, who, now_us - DAY_US) >= ENTRIES_LIMIT:
        return False
    said = one_line(text)[:REPLY_LIMIT_CHARACTERS]
    words = t("fr", "sms.unknown_sender", sender=who, said=f"« {said} »")
    shift.write(connection, kind=EntryKind.FOLLOW, text=words, who=who, now_us=now_us)
    return True
