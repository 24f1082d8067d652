"""Reasons in the fleet: one line of text that is kept, and words made of it where a person reads.

a gateway's code with values             ["lns.no_answer",{}]      words of agent.wire.reasons
the fleet's own                          ["fleet.no_canary",{}]    words of the catalogue, ``reason.fleet.…``
a person's                               antenne remplacée         as it was written
prose of an agent that knows no codes    no answer for 30 s        as it came, marked (``legacy``)
the fleet's own, kept before the codes   two boxes with one EUI    words of its code (``legacy``)
"""

import re
from enum import StrEnum
from typing import Final

from agent.wire.reasons import Reason, ending, read, spool, text, written
from agent.wire.reasons.reason import UNKNOWN_VALUE, VALUE_LIMIT_CHARACTERS
from fleet.lang import legacy
from fleet.lang.i18n import catalogue, t
from fleet.lang.text import one_line


def kept(why: Reason | None, prose: str) -> str:
    """Return the line to keep of what a message says: its code with values, else its prose, on a line.

    >>> kept(None, "no answer\\u2028 for 30 s\\u202e")
    'no answer for 30 s'
    """
    return one_line(prose) if why is None else written(why)


class FleetReason(StrEnum):
    """The closed set of the fleet's own reasons."""

    NO_CANARY = "fleet.no_canary"
    """Blind: what we published to ourselves did not come back."""
    BROKER_LOST = "fleet.broker_lost"
    """Blind: the link to the broker failed; ``detail`` is what the system said."""
    NOT_RUNNING = "fleet.not_running"
    """Blind: no process of ours looked."""
    CLOCK_FORWARD = "fleet.clock_forward"
    """Blind: our clock leapt over a time in which it dated nothing."""
    QUARANTINED = "fleet.quarantined"
    """Blind for a gateway: it went beyond its budget, we did not listen."""
    MAINTENANCE = "fleet.maintenance"
    """Announced works; ``text`` is what the person wrote who announced them."""
    BEYOND_CAP = "fleet.beyond_cap"
    """Announced works that count as lost: they exceed a cap of the commune or the network."""
    SILENT = "fleet.silent"
    """Down by inference: nothing came since the last proof of life."""
    TWO_BOXES = "fleet.two_boxes"
    """Down: two boxes say that they are this gateway."""
    STOPPED = "fleet.stopped"
    """Down: its process ended in order and told nobody why."""
    DIED = "fleet.died"
    """Down: its process or its machine ended without a word."""
    RADIO_DEAF = "fleet.radio_deaf"
    """Down: the gateway tells that its radio is deaf, and not why."""
    RADIO_OFF = "fleet.radio_off"
    """Down: the gateway tells that its radio is off, and not why."""
    WITHDRAWN = "fleet.withdrawn"
    """Out of service: a person withdrew it."""
    WORK_ORDER = "fleet.work_order"
    """Why a version of a configuration was issued: the first of a gateway, with its work order."""
    CHANGED = "fleet.changed"
    """A change of ours is suspected; ``text`` names it."""


OWN_VALUES: Final = ("detail", "text")
"""Names of the values of our own reasons; a gateway that sends such a code says nothing else by it."""


def own(code: FleetReason, **values: str) -> str:
    """Return the line to keep of a reason of ours."""
    return written(Reason(code.value, {name: text[:VALUE_LIMIT_CHARACTERS] for name, text in values.items()}))


def of_blindness(path: str, line: str) -> str:
    """Return the reason of a blind span; rows of before the codes keep English prose and a path beside it."""
    return f"blind: {path}: {line}" if read(line) is None else line


def in_words(lang: str, line: str) -> str:
    """Return a reason in a person's language.

    >>> in_words("fr", '["lns.answers",{}]'), in_words("en", "stopped")
    ('répond', 'stopped')
    """
    reason = read(legacy.OWN_CODES.get(line, line))
    if reason is not None and f"reason.{reason.code}" in catalogue():
        values = {name: one_line(str(reason.values.get(name, UNKNOWN_VALUE))) for name in OWN_VALUES}
        return t(lang, f"reason.{reason.code}", **values)
    return line if reason is None else one_line(text(reason, lang))


def gateway_in_words(lang: str, line: str) -> str:
    """Return a reason that a gateway gave: the English of an agent that knows no codes is marked as such.

    >>> gateway_in_words("fr", "no answer for 30 s")
    'no answer for 30 s (texte de la passerelle, en anglais)'
    """
    return legacy.in_words(lang, line) if is_foreign_prose(lang, line) else in_words(lang, line)


def is_foreign_prose(lang: str, line: str) -> bool:
    """Return whether a gateway's line is the English of an older agent, on a page that is not English."""
    return read(line) is None and line not in legacy.OWN_CODES and legacy.is_foreign(lang, line)


def blames_the_box(line: str) -> bool:
    """Return whether the reason of a BOOT record lays the end of the boot before at the box's door."""
    reason = read(line)
    return legacy.blames_the_box(line) if reason is None else ending.blames_the_box(reason)


def spool_full(line: str) -> str:
    """Return the reason of a full store, behind the reason why the server is away."""
    reason = read(line)
    return legacy.spool_full(line) if reason is None else written(spool.full(cause=reason))


_SENDING_ERRORS: Final = {
    "answered no number for the message": "message.error.no_number",
    "answered no JSON object": "message.error.no_number",
    "refuses the number": "message.error.address",
    "no sender for channel": "message.error.no_sender",
    "is not installed": "message.error.no_sender",
}
_STATUS: Final = re.compile(r"(?:^|: )([1-5]\d\d) ")


def sending_error_in_words(lang: str, error: str) -> str:
    """Return why a message was not delivered, from what its sender kept.

    >>> sending_error_in_words("en", "sms.example: 503 Service Unavailable")
    'not delivered: the sending service answered with code 503'
    """
    for found, key in _SENDING_ERRORS.items():
        if found in error:
            return t(lang, key)
    status = _STATUS.search(error)
    if status:
        return t(lang, "message.error.status", code=status[1])
    return t(lang, "message.error.other")
