"""The closed table of reasons: why a gateway does, refuses or lost something, as codes with values.

``from agent.wire import reasons`` and ``reasons.envelope.expired(version=3)``; ``reasons.text`` for people.
"""

from agent.wire.reasons import (
    card,
    command,
    configuration,
    document,
    downlink,
    ending,
    enrolment,
    envelope,
    gnss,
    hearing,
    image,
    link,
    lns,
    machine,
    plan,
    radio,
    recovery,
    spool,
    system,
    testframe,
    trust,
)
from agent.wire.reasons.reason import TABLE, Entry, Reason, ReasonedError, Value, read, text, written
from agent.wire.reasons.vocabulary import WORDS

__all__ = [
    "TABLE",
    "WORDS",
    "Entry",
    "Reason",
    "ReasonedError",
    "Value",
    "card",
    "command",
    "configuration",
    "document",
    "downlink",
    "ending",
    "enrolment",
    "envelope",
    "gnss",
    "hearing",
    "image",
    "link",
    "lns",
    "machine",
    "plan",
    "radio",
    "read",
    "recovery",
    "spool",
    "system",
    "testframe",
    "text",
    "trust",
    "written",
]
