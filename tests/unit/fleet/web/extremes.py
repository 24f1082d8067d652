"""Everything that the wire lets a gateway say, one field at a time: every state, every extreme, odd texts."""

import enum
from collections.abc import Iterator
from types import NoneType
from typing import Any, get_args, get_type_hints

import msgspec

from agent.wire.beat import ConnectorBeat, Heartbeat, Radio, TimeQuality
from agent.wire.messages import (
    Change,
    ConfigReported,
    ConfigState,
    JournalBatch,
    JournalRecord,
    Noted,
    Presence,
    PreviousBoot,
    Reply,
)
from agent.wire.reasons.reason import Reason
from tests.unit.fleet.web.sample import NOW_US

INTEGERS = (0, 1, -1, 2**31 - 1, -(2**31), 2**53, 2**63 - 1, -(2**63))
FLOATS = (0.0, -1e9, 1e308, float("nan"), float("inf"))
TEXTS = ("", "INCONNU", "x" * 500, "<b>&\u202e\u2028", "{wrong} %s 100%")
REASONS = (None, Reason("no.such.code", {}), Reason("no.such.code", {"path": 2**63 - 1, "x": "é" * 200}))
WORDS = ("RECEIVING", "DEAF", "OFF", "FAULT", "UP", "DOWN", "WAITING", "STARTED", "QUARANTINED", "x" * 80)
Said = tuple[str, msgspec.Struct]
"""Leaf of the topic and the message."""


def everything(first_boot: int) -> Iterator[Said]:
    """Yield messages, each odd in one field and of a boot of its own, so that each is the newest word."""
    for number, (leaf, message) in enumerate(_everything(first_boot)):
        boot = first_boot + number
        yield leaf, _of_boot(message, first_boot, boot)


def _of_boot(message: Any, before: int, boot: int) -> msgspec.Struct:
    if isinstance(message, JournalBatch):
        (record,) = message.records
        return JournalBatch((msgspec.structs.replace(record, boot=boot),))
    if getattr(message, "boot", None) == before:
        return msgspec.structs.replace(message, boot=boot)
    return message


def _everything(boot: int) -> Iterator[Said]:
    yield from (("health", each) for each in _odd(_beat(boot), ("boot", "seq")))
    connectors = [
        ConnectorBeat(name, up, wait) for name in TEXTS for up in (True, False) for wait in INTEGERS[:4]
    ]
    yield from (("health", msgspec.structs.replace(_beat(boot), connectors=(each,))) for each in connectors)
    yield from (("journal", JournalBatch((each,))) for each in _records(boot))
    yield from (("config/reported", each) for each in _reports())
    yield from (("presence", each) for each in _odd(Presence(True, boot, NOW_US), ()))
    yield from (
        ("reply/command-1", each) for each in _odd(Reply("command-1", True, "", NOW_US), ("command_id",))
    )
    yield from (("event", each) for each in _notes(boot))


def _beat(boot: int) -> Heartbeat:
    return Heartbeat(
        boot=boot,
        seq=1,
        uptime_ms=30_000,
        journal_seq=1,
        at_us=NOW_US,
        time_quality=TimeQuality.NTP,
        radio=Radio.RECEIVING,
        connectors=(ConnectorBeat("lns", True, 500),),
        spool_records=0,
        spool_accepting=True,
        received=1,
        delivered=1,
        dropped=0,
        config_version=1,
    )


def _records(boot: int) -> Iterator[JournalRecord]:
    record = JournalRecord(boot, 2, 20_000, NOW_US, TimeQuality.NTP, Change.RADIO, "radio", "DEAF", "")
    yield from _odd(record, ("boot",))
    for change in Change:
        for value in WORDS:
            yield msgspec.structs.replace(record, change=change, value=value)
    before = PreviousBoot(boot - 1, 0, 0, TimeQuality.NTP, False)
    for previous in _odd(before, ("boot",)):
        yield msgspec.structs.replace(record, change=Change.BOOT, journal_seq=1, previous=previous)


def _reports() -> Iterator[ConfigReported]:
    for state in ConfigState:
        for seen_version in (0, 1, 2, 2**31 - 1):
            yield ConfigReported(seen_version, "ab" * 32, state, seen_version, "said so", NOW_US)
    yield from _odd(ConfigReported(1, "ab" * 32, ConfigState.TRIAL, 1, "", NOW_US), ())


def _notes(boot: int) -> Iterator[Noted]:
    values = (*INTEGERS, *FLOATS, *TEXTS)
    for name in ("details", "rf_picture", "no_such_name"):
        for number, value in enumerate(values):
            fields = {"board_c": value, "868100000.7": value, "noise_scan.868100000": value, "x" * 30: value}
            yield Noted(boot, number + 1, NOW_US, name, fields, {})
    yield Noted(boot, 99, NOW_US, "rf_picture", {"9" * 40 + ".7": "1/2/3", "868100000.7": "9" * 90 + "/2/3"})
    yield Noted(boot, 100, NOW_US, "rf_picture", {"noise_scan.868100000": "no number"})
    yield Noted(boot, 101, NOW_US, "details", {"state": "x"}, {"state": Reason("no.such.code", {})})


def _odd(message: Any, but: tuple[str, ...]) -> Iterator[Any]:
    """Yield ``message`` with each field in turn at every value of its type."""
    hints = get_type_hints(type(message))
    for name in message.__struct_fields__:
        for value in () if name in but else values_of(hints[name]):
            yield msgspec.structs.replace(message, **{name: value})


def values_of(kind: Any) -> tuple[Any, ...]:
    """Return the values that are tried for a type."""
    if kind is Reason:
        return REASONS
    if isinstance(kind, type) and issubclass(kind, enum.IntEnum):
        return tuple(kind)
    if NoneType in get_args(kind):
        return (
            None,
            *(value for inner in get_args(kind) for value in values_of(inner) if inner is not NoneType),
        )
    return {bool: (True, False), int: INTEGERS, float: FLOATS, str: TEXTS}.get(kind, ())
